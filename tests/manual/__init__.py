"""What builds and checks the manual."""
