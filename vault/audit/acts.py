"""The acts of the audit log: each with its label, its group, and whether it reads a customer.
Nothing else is written there.

The stored value (``customer.read``) is covered by the log's tree, so a value never changes and is
never reused for another act.
"""

from __future__ import annotations

from enum import StrEnum

#: Marks English words for the catalogues; the edge translates them when it shows them.
N_ = str


class ActGroup(StrEnum):
    """A group to filter acts by; ``label`` is in English (see ``N_``)."""

    label: str

    def __new__(cls, value: str, label: str) -> ActGroup:
        member = str.__new__(cls, value)
        member._value_, member.label = value, label
        return member

    READINGS = "read", N_("Customers read")
    CHECKS = "checks", N_("Checks of a caller")
    CUSTOMERS = "customers", N_("Customers' data")
    PORTAL = "portal", N_("Customers' own page")
    CALLS = "calls", N_("Calls and bookings")
    TEXTS = "texts", N_("Texts")
    REPORTS = "reports", N_("Reports and cases")
    STAFF = "staff", N_("Staff and sign-in")
    APPROVALS = "approvals", N_("What takes two people")
    TEAMS = "teams", N_("Teams and hours")
    KEYS = "keys", N_("Keys")
    LOG = "log", N_("Readings of this log")


class AuditAct(StrEnum):
    """A type of act or read. ``label`` completes a sentence that begins with the actor, in English
    (see ``N_``); ``reads_customer`` says that staff were shown a customer's data."""

    label: str
    group: ActGroup
    reads_customer: bool

    def __new__(
        cls, value: str, label: str, group: ActGroup, reads_customer: bool = False
    ) -> AuditAct:
        member = str.__new__(cls, value)
        member._value_, member.label = value, label
        member.group, member.reads_customer = group, reads_customer
        return member

    CUSTOMER_READ = "customer.read", N_("read a customer's record"), ActGroup.READINGS, True
    CUSTOMER_LOOK_UP = "customer.look_up", N_("looked a customer up"), ActGroup.READINGS, True
    EXPOSURE_READ = (
        "exposure.read",
        N_("listed the customers that an access exposed"),
        ActGroup.READINGS,
    )

    PAGE_NOT_FOUND = (
        "page.not_found",
        N_("asked for what is not there, or not theirs"),
        ActGroup.READINGS,
    )

    CHECK = "check", N_("checked a call"), ActGroup.CHECKS

    CUSTOMER_ADD = "customer.add", N_("added a customer"), ActGroup.CUSTOMERS
    CUSTOMER_CHANGE = "customer.change", N_("changed a customer"), ActGroup.CUSTOMERS
    CUSTOMER_CHOOSE = "customer.choose", N_("chose language and zone"), ActGroup.CUSTOMERS
    CUSTOMER_PHRASE = "customer.phrase", N_("chose a safe phrase"), ActGroup.CUSTOMERS
    CUSTOMER_ERASE = "customer.erase", N_("erased a customer"), ActGroup.CUSTOMERS
    CUSTOMER_NUMBER = "customer.number", N_("changed a customer's number"), ActGroup.CUSTOMERS
    CUSTOMER_WARN = "customer.warn", N_("warned a customer"), ActGroup.CUSTOMERS
    IMPORT_BEGIN = "import.begin", N_("began an import"), ActGroup.CUSTOMERS
    IMPORT_TRY = "import.try", N_("tried an import without keeping it"), ActGroup.CUSTOMERS
    IMPORT_END = "import.end", N_("ended an import"), ActGroup.CUSTOMERS
    NUMBER_TELL = "number.tell", N_("stored a warning to the old number"), ActGroup.CUSTOMERS
    NUMBER_TOLD = (
        "number.told",
        N_("began a number's waiting time: the old one was told"),
        ActGroup.CUSTOMERS,
    )

    OPENINGS_READ = "openings.read", N_("looked at who opened their record"), ActGroup.PORTAL
    OWN_PAGE_ENTER = "own_page.enter", N_("opened their own page"), ActGroup.PORTAL
    PROOF_SEND = "proof.send", N_("sent a page number"), ActGroup.PORTAL
    PROOF_USE = "proof.use", N_("used a page number"), ActGroup.PORTAL
    PROOF_FAIL = "proof.fail", N_("tried a wrong page number"), ActGroup.PORTAL
    PROOF_IGNORE = "proof.ignore", N_("ignored a page number"), ActGroup.PORTAL

    CALL_PLACE = "call.place", N_("rang a phone"), ActGroup.CALLS
    CALL_FAILED = "call.failed", N_("could not ring a phone"), ActGroup.CALLS
    CALL_WANTED = "call.wanted", N_("asked for a call to be placed"), ActGroup.CALLS
    CALL_DIALLING = "call.dialling", N_("had a call placed"), ActGroup.CALLS
    CALL_RINGING_YOU = "call.ringing_you", N_("rang the agent's phone"), ActGroup.CALLS
    CALL_AGENT_ON = "call.agent_on", N_("reached the agent's phone"), ActGroup.CALLS
    CALL_RINGING = "call.ringing", N_("rang the customer's phone"), ActGroup.CALLS
    CALL_ANSWERED = "call.answered", N_("had the customer's phone answered"), ActGroup.CALLS
    CALL_LIVE = "call.live", N_("put agent and customer on the phone together"), ActGroup.CALLS
    CALL_HUNG_UP = (
        "call.hung_up",
        N_("ended a call before the customer was reached"),
        ActGroup.CALLS,
    )
    CALL_BUSY = "call.busy", N_("found the customer's phone busy"), ActGroup.CALLS
    CALL_NO_ANSWER = "call.no_answer", N_("got no answer from the customer's phone"), ActGroup.CALLS
    CALL_ENDED = "call.ended", N_("ended a call on the phone"), ActGroup.CALLS
    CALL_VOICEMAIL = "call.voicemail", N_("reached a voicemail"), ActGroup.CALLS
    CALLBACK_BOOK = "callback.book", N_("booked a callback"), ActGroup.CALLS
    CALLBACK_MOVE = "callback.move", N_("moved a callback"), ActGroup.CALLS
    CALLBACK_CANCEL = "callback.cancel", N_("called a callback off"), ActGroup.CALLS
    CALLBACK_REFUSE = "callback.refuse", N_("refused a callback"), ActGroup.CALLS
    CALLBACK_START = "callback.start", N_("started a call"), ActGroup.CALLS
    CALLBACK_END = "callback.end", N_("ended a call"), ActGroup.CALLS
    CALLBACK_MISS = "callback.miss", N_("let a callback go by"), ActGroup.CALLS
    CALLBACK_HAND_OVER = "callback.hand_over", N_("handed a callback over"), ActGroup.CALLS
    CALLBACK_FOLLOW = "callback.follow", N_("booked another try"), ActGroup.CALLS
    CALLBACK_FOLLOW_ZONE = (
        "callback.follow_zone",
        N_("moved a callback with the clocks"),
        ActGroup.CALLS,
    )
    CALLBACK_ASK_TO_MOVE = "callback.ask_to_move", N_("asked for another time"), ActGroup.CALLS
    CALLBACK_EARLIER = "callback.earlier", N_("asked for earlier times"), ActGroup.CALLS
    CODE_READ = "code.read", N_("saw the check number"), ActGroup.CALLS
    CODE_REISSUE = "code.reissue", N_("made a new check number"), ActGroup.CALLS

    GATEWAY_SWITCH = "gateway.switch", N_("switched to another provider"), ActGroup.TEXTS
    TEXT_OPEN = "text.open", N_("opened a text"), ActGroup.TEXTS
    TEXT_SENT = "text.sent", N_("sent a text"), ActGroup.TEXTS
    TEXT_FAILED = "text.failed", N_("could not send a text"), ActGroup.TEXTS
    TEXT_EXPIRED = "text.expired", N_("let a text expire"), ActGroup.TEXTS
    TEXT_HELD = "text.held", N_("held a text back"), ActGroup.TEXTS
    TEXT_RETRY = "text.retry", N_("tried a text again"), ActGroup.TEXTS
    TEXTS_OPT_OUT = "texts.opt_out", N_("wanted no more texts"), ActGroup.TEXTS
    TEXTS_OPT_IN = "texts.opt_in", N_("wanted texts again"), ActGroup.TEXTS

    CANARIES_PLAN = "canaries.plan", N_("planned canaries"), ActGroup.REPORTS
    CANARIES_PLANT = "canaries.plant", N_("planted canaries"), ActGroup.REPORTS
    CASE_OPENED = "case.opened", N_("opened a case"), ActGroup.REPORTS
    CASE_EVIDENCE = "case.evidence", N_("added evidence to a case"), ActGroup.REPORTS
    CASE_ALERT = "case.alert", N_("told of a case"), ActGroup.REPORTS
    CASE_BOARD = "case.board", N_("looked at the board of cases"), ActGroup.REPORTS
    CASE_READ = "case.read", N_("read a case"), ActGroup.REPORTS
    CASE_TAKEN = "case.taken", N_("took a case"), ActGroup.REPORTS
    CASE_GIVEN_BACK = "case.given_back", N_("gave a case back"), ActGroup.REPORTS
    CASE_WITHDRAWN = "case.withdrawn", N_("took a case from somebody it names"), ActGroup.REPORTS
    CASE_NOTED = "case.noted", N_("wrote a note in a case"), ActGroup.REPORTS
    CASE_DECIDED = "case.decided", N_("decided a case"), ActGroup.REPORTS
    CASE_CLOSED = "case.closed", N_("closed a case"), ActGroup.REPORTS
    CASE_REOPENED = "case.reopened", N_("reopened a case"), ActGroup.REPORTS
    CASE_CUSTOMER = "case.customer", N_("gave a reason to open a customer"), ActGroup.REPORTS
    CASE_ASKED = "case.asked", N_("asked in a case for what takes two"), ActGroup.REPORTS
    CASE_EXPORTED = "case.exported", N_("exported a case"), ActGroup.REPORTS
    CASE_JOINED = "case.joined", N_("joined two cases"), ActGroup.REPORTS
    CASE_PARTED = "case.parted", N_("took a case apart"), ActGroup.REPORTS
    CASE_NAMED = "case.named", N_("named a colleague in a case"), ActGroup.REPORTS
    CASE_SUSPENDED = "case.suspended", N_("suspended an access in a case"), ActGroup.REPORTS
    CASE_LIFTED = "case.lifted", N_("lifted a suspension in a case"), ActGroup.REPORTS
    CASE_WARNING = "case.warning", N_("began to warn customers"), ActGroup.REPORTS
    CASE_STOPPED = "case.stopped", N_("stopped warning customers"), ActGroup.REPORTS
    CASE_WARNED = "case.warned", N_("had warned all customers"), ActGroup.REPORTS
    LEAK_TRACE = (
        "leak.trace",
        N_("read who may have leaked the customers of a case"),
        ActGroup.REPORTS,
    )
    NOTE_WRITE = "note.write", N_("wrote an evening note"), ActGroup.REPORTS
    NOTE_READ = "note.read", N_("read an evening note"), ActGroup.REPORTS
    NOTE_EXPLAIN = "note.explain", N_("explained what an evening note asks"), ActGroup.REPORTS
    REPORT_FILE = "report.file", N_("filed a report"), ActGroup.REPORTS
    REPORT_ADD = "report.add", N_("added to a report"), ActGroup.REPORTS
    REPORT_PROVE = "report.prove", N_("proved a report's number"), ActGroup.REPORTS
    REPORT_READ = "report.read", N_("read a report"), ActGroup.REPORTS
    REPORT_OUTCOME = "report.outcome", N_("noted what a reporter is told"), ActGroup.REPORTS
    REPORT_TELL = "report.tell", N_("told a reporter what came of it"), ActGroup.REPORTS

    BUDGET_STOP = "budget.stop", N_("was stopped by their budget"), ActGroup.STAFF
    BUDGET_UNLOCK = "budget.unlock", N_("unlocked a colleague's budget"), ActGroup.STAFF
    FEED_MAKE = "feed.make", N_("made a calendar address"), ActGroup.STAFF
    FEED_END = "feed.end", N_("ended a calendar address"), ActGroup.STAFF
    PASSKEY_ADD = "passkey.add", N_("added a passkey"), ActGroup.STAFF
    PASSKEY_REMOVE = "passkey.remove", N_("removed a passkey"), ActGroup.STAFF
    PASSKEY_CLONED = "passkey.cloned", N_("met a passkey that was copied"), ActGroup.STAFF
    STAFF_ADD = "staff.add", N_("added a colleague"), ActGroup.STAFF
    STAFF_LOOK_UP = "staff.look_up", N_("looked a colleague up by their address"), ActGroup.STAFF
    STAFF_ROLE = "staff.role", N_("changed a colleague's role"), ActGroup.STAFF
    STAFF_ENROL = "staff.enrol", N_("enrolled"), ActGroup.STAFF
    STAFF_SIGN_IN = "staff.sign_in", N_("signed in"), ActGroup.STAFF
    STAFF_SIGN_IN_FAILED = "staff.sign_in_failed", N_("failed to sign in"), ActGroup.STAFF
    STAFF_SIGN_OUT = "staff.sign_out", N_("signed out"), ActGroup.STAFF
    STAFF_SESSIONS_ENDED = "staff.sessions_ended", N_("ended sessions"), ActGroup.STAFF
    STAFF_SWITCH_OFF = "staff.switch_off", N_("switched a colleague off"), ActGroup.STAFF
    STAFF_ENROL_FAILED = "staff.enrol_failed", N_("failed to enrol"), ActGroup.STAFF
    STAFF_INVITE = "staff.invite", N_("made an enrolment link"), ActGroup.STAFF
    STAFF_SUSPEND = "staff.suspend", N_("suspended a colleague's access"), ActGroup.STAFF
    STAFF_LIFT = "staff.lift", N_("lifted a colleague's suspension"), ActGroup.STAFF
    STAFF_LOCKED = "staff.locked", N_("was locked out for a while"), ActGroup.STAFF
    STAFF_PASSWORD = "staff.password", N_("changed their password"), ActGroup.STAFF
    STAFF_PHONE = "staff.phone", N_("set a colleague's number"), ActGroup.STAFF
    STAFF_PROOF = "staff.proof", N_("proved who they are"), ActGroup.STAFF
    STAFF_RECOVERY_CODES = "staff.recovery_codes", N_("made new recovery codes"), ActGroup.STAFF
    STAFF_RESET_MADE = "staff.reset_made", N_("made a reset link"), ActGroup.STAFF
    STAFF_RESET_USED = "staff.reset_used", N_("used a reset link"), ActGroup.STAFF
    TOKEN_ADD = "token.add", N_("made an API token"), ActGroup.STAFF

    APPROVAL_ASK = "approval.ask", N_("asked for something that takes two"), ActGroup.APPROVALS
    APPROVAL_APPROVE = "approval.approve", N_("approved it"), ActGroup.APPROVALS
    APPROVAL_REFUSE = "approval.refuse", N_("refused it"), ActGroup.APPROVALS
    APPROVAL_DO = "approval.do", N_("did what was approved"), ActGroup.APPROVALS
    APPROVAL_BEGIN = "approval.begin", N_("began what was approved"), ActGroup.APPROVALS
    APPROVAL_EXPIRE = "approval.expire", N_("let a request expire"), ActGroup.APPROVALS
    APPROVAL_READ = "approval.read", N_("read requests that take two"), ActGroup.APPROVALS
    APPROVAL_VOID = "approval.void", N_("made a request void"), ActGroup.APPROVALS
    APPROVAL_WITHDRAW = "approval.withdraw", N_("took a request back"), ActGroup.APPROVALS
    APPROVALS_SET_UP = "approvals.set_up", N_("set up who is there to approve"), ActGroup.APPROVALS
    APPROVALS_CLOSE = "approvals.close", N_("ended the setting up"), ActGroup.APPROVALS

    DAY_SET = "day.set", N_("set a day's hours"), ActGroup.TEAMS
    HOURS_SET = "hours.set", N_("set weekly hours"), ActGroup.TEAMS
    OFF_ADD = "off.add", N_("gave days off"), ActGroup.TEAMS
    OFF_END = "off.end", N_("took days off back"), ActGroup.TEAMS
    SKILLS_SET = "skills.set", N_("set skills"), ActGroup.TEAMS
    TEAM_ADD = "team.add", N_("added a team"), ActGroup.TEAMS
    TEAM_CHANGE = "team.change", N_("changed a team"), ActGroup.TEAMS
    TEAM_PUT = "team.put", N_("put somebody into a team"), ActGroup.TEAMS

    KEYS_ROTATE = "keys.rotate", N_("began to rotate master keys"), ActGroup.KEYS
    KEYS_ROTATED = "keys.rotated", N_("rotated master keys"), ActGroup.KEYS
    KEYS_INDEX = "keys.index", N_("began a new key for finding"), ActGroup.KEYS
    KEYS_ROTATE_INDEX = "keys.rotate_index", N_("rotated the key for finding"), ActGroup.KEYS

    AUDIT_READ = "audit.read", N_("read the audit log"), ActGroup.LOG
    AUDIT_BEGIN = "audit.begin", N_("asked who read a customer"), ActGroup.LOG
    LOG_LOST = "log.lost", N_("noted a process that ended without its last word"), ActGroup.LOG


#: Groups and acts by their values.
GROUPS_BY_VALUE = {group.value: group for group in ActGroup}
ACTS_BY_VALUE = {act.value: act for act in AuditAct}
#: The acts by which staff are shown a customer's data.
CUSTOMER_ACCESS_ACTS = tuple(act for act in AuditAct if act.reads_customer)


def acts_in_group(group: ActGroup) -> tuple[AuditAct, ...]:
    """Return the acts of one group."""
    return tuple(act for act in AuditAct if act.group is group)
