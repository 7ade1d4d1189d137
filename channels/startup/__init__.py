"""What is built and checked when the application starts."""
