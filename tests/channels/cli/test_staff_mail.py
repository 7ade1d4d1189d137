"""Staff get a mail about changes to their sign-in: once each, and late rather than never."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from channels.cli.staff_mail import StaffMailJob
from messaging.mail_templates import MailContext
from people.models import StaffNotice
from people.staff import security_notices
from people.staff.security_notices import Notice
from tests.factories import an_agent
from tests.processes import at_once
from vault.destinations import DestinationUnreachable
from vault.keys import keyring


class Post:
    """A mail server that takes what it is given, or is out."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, str]] = []
        self.out = False

    def send_mail(self, to: str, subject: str, body: str) -> None:
        if self.out:
            raise DestinationUnreachable("no")
        self.taken.append((to, subject, body))


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def job(store, clock, post) -> StaffMailJob:
    info = keyring.keyring_session_info(store.ring)
    return StaffMailJob(post, MailContext("Example Bank", "en"), store.engine, info, clock)


def tell(store, clock, *kinds: Notice) -> None:
    with store.unit() as session:
        member = an_agent(session, clock.now, email="ana@example.org")
        for kind in kinds:
            security_notices.add_security_notice(session, member.id, kind, clock.now)


def test_each_is_mailed_once_to_its_owner_and_says_what_happened(store, clock, job, post):
    tell(store, clock, Notice.RESET_MADE, Notice.PASSKEY_ADDED)
    job.run_safely()
    job.run_safely()
    assert [to for to, _, _ in post.taken] == ["ana@example.org"] * 2
    assert "did not ask for it" in post.taken[0][2]
    assert all("http" not in body for _, _, body in post.taken)
    assert post.taken[0][1] == "Vouchline Example Bank: your sign-in"


@pytest.mark.parametrize("kind", list(Notice))
def test_there_are_words_for_every_kind(store, clock, job, post, kind):
    tell(store, clock, kind)
    job.run_safely()
    assert len(post.taken[0][2]) > 20


def test_what_the_server_did_not_take_is_tried_again_for_a_day(store, clock, job, post):
    tell(store, clock, Notice.PASSWORD)
    post.out = True
    job.run_safely()
    assert [row.mailed_at for row in store.all(select(StaffNotice))] == [None]
    post.out = False
    clock.now += timedelta(hours=23)
    job.run_safely()
    assert len(post.taken) == 1


def test_old_news_is_not_mailed(store, clock, job, post):
    tell(store, clock, Notice.PASSWORD)
    clock.now += timedelta(days=1)
    job.run_safely()
    assert post.taken == []


@pytest.mark.both
def test_of_many_workers_one_takes_it(store, clock):
    tell(store, clock, Notice.PASSWORD)
    row = store.all(select(StaffNotice))[0].id

    def take() -> bool:
        with store.unit() as session:
            return security_notices.claim_notice(session, row, clock.now)

    told = at_once([take] * 6, lambda: store.engine.dispose(close=False))
    assert sum(told) == 1


def test_a_store_out_of_reach_ends_no_worker(store, clock, job, post):
    tell(store, clock, Notice.PASSWORD)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE staff_notice RENAME TO gone")
    job.run_safely()
    assert post.taken == []
