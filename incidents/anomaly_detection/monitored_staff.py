"""The staff members of a detection run: their profiles, and the baselines of their peers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter
from sqlmodel import Session, col, select

from incidents.anomaly_detection import detector
from incidents.anomaly_detection.detector import Priors
from incidents.anomaly_detection.distributions import MIN_WORK
from incidents.anomaly_detection.models import StaffProfileState
from incidents.anomaly_detection.staff_profile import Indicator, StaffProfile
from people.models import Membership, Staff
from scheduling.availability import agent_availability, slots
from scheduling.availability.agent_availability import Callee
from scheduling.policy import Policy

_PROFILE_JSON = TypeAdapter(StaffProfile)
_MIN_TEAM_SIZE = 8
_REFRESH_INTERVAL = timedelta(minutes=15)
_DAY = timedelta(days=1)


class PeerBaselines:
    """Usual rates in each team that is large enough, and in each role; refreshed four times an
    hour."""

    def __init__(self) -> None:
        self._learnt: datetime | None = None
        self._of: dict[UUID | str, Priors] = {}

    def refresh_baselines(self, session: Session, now: datetime) -> None:
        """Refresh the baselines, unless that was done recently."""
        if self._learnt is not None and now - self._learnt < _REFRESH_INTERVAL:
            return
        self._learnt, groups = now, dict[UUID | str | None, list[StaffProfile]]()
        rows = session.exec(
            select(Staff.role, Membership.team_id, StaffProfileState.state)
            .join(Staff, col(Staff.id) == col(StaffProfileState.staff_id))
            .join(Membership, col(Membership.staff_id) == col(Staff.id), isouter=True)
            .where(col(Staff.active).is_(True))
        )
        for role, team, state in rows:
            person = _PROFILE_JSON.validate_json(state)
            groups.setdefault(role, []).append(person)
            if person.history_of(Indicator.BARE).work >= MIN_WORK:
                groups.setdefault(team, []).append(person)
        self._of = {
            group: detector.fit_peer_priors(people)
            for group, people in groups.items()
            if isinstance(group, str) or (group is not None and len(people) >= _MIN_TEAM_SIZE)
        }

    def baseline_for(self, role: str, team: UUID | None) -> Priors:
        """Return the priors of a staff member's peers."""
        if team is not None and team in self._of:
            return self._of[team]
        return self._of.get(role, detector.DEFAULT_PRIORS)


class MonitoredStaff:
    """A staff member during a run. ``changed`` says that there is something to score."""

    def __init__(
        self, session: Session, member: Staff, peers: PeerBaselines, policy: Policy
    ) -> None:
        self._session, self._member, self._policy = session, member, policy
        row = session.get(StaffProfileState, member.id)
        self.person = _PROFILE_JSON.validate_json(row.state) if row else StaffProfile()
        membership = session.get(Membership, member.id)
        self.peers = peers.baseline_for(member.role, membership.team_id if membership else None)
        self.changed = False

    def profile_at_work(self, at: datetime) -> StaffProfile:
        """Return the profile, after closing the previous shift if ``at`` starts another."""
        if self.person.starts_new_shift(at):
            detector.close_shift(self.person, self.peers)
        return self.person

    def local_hour_at(self, at: datetime) -> int:
        """Return the hour on the person's clock."""
        return at.astimezone(ZoneInfo(self._member.timezone)).hour

    def is_off_hours(self, at: datetime) -> bool:
        """Return whether they work then neither by habit nor by their working hours."""
        return self.person.is_unusual_hour(self.local_hour_at(at)) and not self._is_rostered(at)

    def _is_rostered(self, at: datetime) -> bool:
        day, me = at.astimezone(UTC).date(), self._member.id
        availability = agent_availability.load_availability(
            self._session, [me], Callee("UTC"), self._policy, day - _DAY, day + _DAY
        )
        rules = availability[me].rules
        return bool(rules.hours) and slots.is_within_working_hours(rules, at, 1)

    def save_profile(self) -> None:
        """Save the profile."""
        state = _PROFILE_JSON.dump_json(self.person).decode()
        self._session.merge(StaffProfileState(staff_id=self._member.id, state=state))
