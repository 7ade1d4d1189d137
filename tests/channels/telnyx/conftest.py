"""What the tests of Telnyx's webhooks ask for."""

from tests.channels.telnyx import fixtures

app, client, telnyx = fixtures.app, fixtures.client, fixtures.telnyx
