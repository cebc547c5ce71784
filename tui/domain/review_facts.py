"""The facts of a review: what was asked, why the agent asks, by whom it may be decided until when, and what follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from tui.client.task_facts import WaitKind
from tui.domain.request_summary import ENVELOPE_FIELDS
from tui.domain.wait_details import WaitDetails, deadline_of
from tui.domain.wait_words import ENDS
from tui.security.sanitize import address_problem, host_of

if TYPE_CHECKING:
    from tui.client.log_entries import Entry, Log
    from tui.client.workflow_models import ToolApproval
    from tui.domain.review import ReviewSnapshot

NOT_PROVIDED = "not provided by the platform"
READING = "reading …"
NOT_READ = "not read in a review of several: open it alone"
CONSEQUENCES: dict[WaitKind, str] = {
    WaitKind.QUESTION: "your answer goes to the agent, which goes on with it.",
    WaitKind.SIGN_IN: "once you have signed in at the address above, the agent goes on.",
}
"""What follows, for the kinds of waits that are ended here without approval or rejection."""
OTHER_END = "it goes on once the platform lets it"
"""The way in which a wait ends that has no words of its own."""
CARD_CONSEQUENCE = "on confirm: the agent goes on. On dismiss: the card is dismissed, no reason is passed on."
HELD_CALL_CONSEQUENCE = "nothing can be decided here. Once it is approved on the platform, exactly this call runs."
DENIAL_WORDS = {"continue": "the agent is told, with the reason, and goes on without it"}
"""What follows on a rejection, for the values of `on_deny` that are documented."""
UNKNOWN_DENIAL = f"your reason is passed on; what the workflow then does is {NOT_PROVIDED}"
DECIDED_ELSEWHERE = "on the platform, under Settings > Approvals"
MAX_ENTRIES_LOOKED_AT = 500
"""Entries at each end of a log that are searched for a message."""
MESSAGE_WORDS = "the agent's last message, unverified"
EARLIER_MESSAGE_WORDS = "the agent's message before the last one of the user, unverified"
THOUGHT_WORDS = "the agent's last thought, unverified"
TOOL_REASON_WORDS = "reason of the last tool call, unverified"


class Fact(NamedTuple):
    """A fact: its label, empty for another line of the fact before, and its text."""

    label: str
    text: str
    is_one_line: bool = False
    """Whether a long text is shown as one line, which can be opened: never one of the agent that asks."""
    may_be_cut: bool = False
    """Whether a very long text may be cut: the words of a conversation, and nothing of the request itself."""


def facts_of(
    review: ReviewSnapshot, details: WaitDetails | None, *, unread: str = NOT_PROVIDED, decided: str = ""
) -> list[Fact]:
    """Return the facts of a review. Nothing in them is masked.

    `unread` says why there are no details, `decided` how the wait has ended since the review was read. The
    same labels come before and after, and no text changes with time, because every line must be seen and none should
    have to be seen twice.
    """
    facts = [Fact("what", " ".join((request_text(review) or NOT_PROVIDED).split()))]
    facts += _why_facts(review)
    facts += _asked_facts(review)
    if review.tool_approval_id:
        facts += _tool_approval_facts(review, details, unread)
    elif review.subject_id:
        facts += _node_facts(review, details, unread)
    waits = [_since(review), _deadline(review, details, unread), decided or _decided(review)]
    facts.append(Fact("waits", "; ".join(filter(None, waits))))
    facts.append(Fact("then", _consequence(review, details, unread)))
    return facts


def request_text(review: ReviewSnapshot) -> str:
    """Return the text of a request: the sign-in, or the title and the description."""
    sign_in, request = review.task.pending_eca_request, review.approval
    if sign_in:
        url = sign_in.auth_url or ""
        return f"sign in to {sign_in.connector_name or NOT_PROVIDED}, at {host_of(url) or address_problem(url)}"
    text = ""
    if request:
        text = " · ".join(filter(None, (request.title, request.description)))
    if not text and review.held is not None:
        from tui.client.log_entries import parse_entry

        return parse_entry(review.held).label
    return text


# What was asked, and why the agent asks


def _asked_facts(review: ReviewSnapshot) -> Iterator[Fact]:
    """Yield the first and the last message of the user."""
    texts = list(filter(None, (_first_message(review.log), _last_message(review.log, "user"))))
    if not texts and review.task.input and review.task.input.text:
        texts = [review.task.input.text]
    if not texts:
        yield Fact("asked", NOT_PROVIDED)
        return
    yield Fact("asked", texts[0], is_one_line=True, may_be_cut=True)
    if texts[-1] != texts[0]:
        yield Fact("asked last", texts[-1], is_one_line=True, may_be_cut=True)


def _why_facts(review: ReviewSnapshot) -> Iterator[Fact]:
    """Yield the agent's own words about the wait, and which of its words they are."""
    for words, text in _words_of_agent(review):
        if text and text.strip():
            yield Fact("why", f"({words})  {text}", may_be_cut=True)
            return
    yield Fact("why", f"{NOT_PROVIDED}: the agent gave no reason")


def _words_of_agent(review: ReviewSnapshot) -> Iterator[tuple[str, str | None]]:
    """Yield the words of the agent, those that explain the wait best first."""
    from tui.client.log_entries import Reasoning, ToolCall

    yield MESSAGE_WORDS, _last_message(review.log, "agent", after_user=True)
    for entry in _latest(review.log):
        match entry:
            case Reasoning(thought=str() as thought) if thought.strip():
                yield THOUGHT_WORDS, thought
                break
            case ToolCall(reasoning=reason) if reason and (reason.title or reason.description):
                yield TOOL_REASON_WORDS, ": ".join(filter(None, (reason.title, reason.description)))
                break
    yield EARLIER_MESSAGE_WORDS, _last_message(review.log, "agent")


def _last_message(log: Log, role: str, *, after_user: bool = False) -> str:
    """Return the text of the last message of a role; `after_user` ends the search at the last message of the user."""
    for entry in _latest(log):
        message_role = _message_role(entry)
        if message_role == role:
            text: str = entry.text  # type: ignore[attr-defined]
            if text.strip():
                return text
        if after_user and message_role == "user":
            return ""
    return ""


def _first_message(log: Log) -> str:
    for entry in islice(log.entries, MAX_ENTRIES_LOOKED_AT):
        if _message_role(entry) == "user":
            return str(entry.text)  # type: ignore[attr-defined]
    return ""


def _message_role(entry: Entry) -> str:
    """Return the role of a message, `agent` under either of its names; empty for what is no message of its own."""
    from tui.client.log_entries import Message

    if not isinstance(entry, Message) or entry.sub_execution_result:
        return ""
    return "agent" if entry.role == "assistant" else entry.role


def _latest(log: Log) -> Iterator[Entry]:
    """Return the latest entries of a log, the last one first."""
    return islice(reversed(log.entries), MAX_ENTRIES_LOOKED_AT)


# The node of the workflow, and the state of a tool approval


def _node_facts(review: ReviewSnapshot, details: WaitDetails | None, unread: str) -> Iterator[Fact]:
    """Yield the node of the workflow at which the task waits, and who may approve."""
    node_id = review.subject_id
    if details is None:
        node = node_id
        if unread == READING:
            node = f"{node_id}: {unread}"
        yield Fact("node", node)
        yield Fact("approvers", unread)
        return
    name, text = node_id, ""
    if details.node:
        name = f"{details.node.name} ({node_id})" if details.node.name else node_id
        text = details.node.text or ""
    if not text and details.options:
        text = ": ".join(filter(None, (details.options.title, details.options.description)))
    if details.node_problem:
        text = f"could not be read: {details.node_problem}"
    yield Fact("node", f"{name}: {text}" if text else name)
    yield Fact("approvers", _approvers(details, _names_of_people(review)))


def _tool_approval_facts(review: ReviewSnapshot, details: WaitDetails | None, unread: str) -> Iterator[Fact]:
    """Yield the state of the approval of a held tool call, and where it is decided."""
    if details is None:
        yield Fact("state", unread)
    elif details.approval is None:
        yield Fact("state", f"could not be read: {details.approval_problem}")
    else:
        yield Fact("state", tool_approval_state(details.approval))
    yield Fact("decided", DECIDED_ELSEWHERE)
    if details is None:
        yield Fact("approvers", unread)
    else:
        yield Fact("approvers", _approvers(details, _names_of_people(review)))


def tool_approval_state(approval: ToolApproval) -> str:
    """Return the state of a tool approval, in words."""
    if approval.settled is not True:
        return "waiting: nobody has decided yet"
    state = "approved" if approval.approved is True else "declined"
    if approval.status == "expired":
        state = "expired: nobody had decided in time"
    if approval.decided_by_name:
        state += f" by {approval.decided_by_name}"
    if approval.decision_note:
        state += f": {approval.decision_note}"
    return state


def _approvers(details: WaitDetails, names: Mapping[str, str]) -> str:
    """Return who may approve: people by their names where these are known, else by their ids."""
    options = details.options
    if options is None and details.node_problem:
        return "could not be read"
    approvers = options.approvers if options else None
    if approvers is None or not (approvers.user_ids or approvers.group_ids):
        return NOT_PROVIDED
    people = [names.get(user_id, user_id) for user_id in approvers.user_ids]
    groups = [f"group {group_id}" for group_id in approvers.group_ids]
    return ", ".join([*people, *groups])


def _names_of_people(review: ReviewSnapshot) -> dict[str, str]:
    """Return the names of the people that the task and its log name, by their ids."""
    entries = (*islice(log_entries := review.log.entries, 50), *islice(reversed(log_entries), 50))
    people = [getattr(entry, "user", None) for entry in entries]
    if review.task.input:
        people.append(review.task.input.user)
    return {person.id: f"{person.name} ({person.id})" for person in people if person and person.id}


# Since when, until when, and what follows


def _since(review: ReviewSnapshot) -> str:
    if review.wait is None or review.wait.since is None:
        return f"since: {NOT_PROVIDED}"
    return f"since {review.wait.since.astimezone():%Y-%m-%d %H:%M:%S}"


def _deadline(review: ReviewSnapshot, details: WaitDetails | None, unread: str) -> str:
    if _is_unread(review, details, unread):
        return f"deadline: {unread}"
    deadline = deadline_of(review, details)
    if deadline is None:
        return "no deadline published"
    return f"decide by {deadline.astimezone():%Y-%m-%d %H:%M:%S}"


def _decided(review: ReviewSnapshot) -> str:
    """Return who has decided already, as far as the record reports it; empty for a wait without such a field."""
    request = review.approval
    if request is None:
        return ""
    if not request.decided_by:
        return "not decided yet"
    verb = "approved" if request.approved_by else "rejected"
    return f"already {verb} by {request.decided_by}"


def _is_unread(review: ReviewSnapshot, details: WaitDetails | None, unread: str) -> bool:
    """Return whether a wait has details on the platform that were not read, so that nothing can be said of them."""
    return details is None and bool(review.subject_id) and unread != NOT_PROVIDED


def _consequence(review: ReviewSnapshot, details: WaitDetails | None, unread: str) -> str:
    """Return what follows: only what can happen for this kind of wait."""
    if review.request_id:
        return CARD_CONSEQUENCE
    if review.wait is None:
        return "nothing waits."
    denial = ""
    if _is_unread(review, details, unread):
        denial = unread
    elif details and details.options and details.options.on_deny:
        denial = _denial_words(details.options.on_deny)
    if review.tool_approval_id:
        if denial:
            return f"{HELD_CALL_CONSEQUENCE} If it is declined: {denial}."
        return HELD_CALL_CONSEQUENCE
    if review.approval:
        return f"on approve: the agent goes on. On reject: {denial or UNKNOWN_DENIAL}."
    if review.wait.kind in CONSEQUENCES:
        return CONSEQUENCES[review.wait.kind]
    return f"nothing can be decided here: {ENDS.get(review.wait.kind, OTHER_END)}."


def _denial_words(on_deny: str) -> str:
    """Return what a rejection does, in words; an undocumented value as it is."""
    return DENIAL_WORDS.get(on_deny, f"on_deny is {on_deny!r}")


def is_quiet_envelope(review: ReviewSnapshot, envelope: Mapping[str, object]) -> bool:
    """Return whether an envelope holds nothing that the facts do not show as well, so that it may be folded.

    Its ids are the one that the facts name, its texts are the title and the description, and all else is empty. Any
    other field, or a text of several lines, could be a surprise that must not hide in a fold.
    """
    return bool(envelope) and all(_is_in_facts(review, name, value) for name, value in envelope.items())


def _is_in_facts(review: ReviewSnapshot, name: str, value: object) -> bool:
    if name not in ENVELOPE_FIELDS:
        return False
    if value is None or value == "":
        return True
    if name in {"wait_node_id", "operation_id"}:
        return value == review.subject_id
    if name in {"title", "description"} and not review.task.pending_eca_request:
        return isinstance(value, str) and value == " ".join(value.split())
    return False
