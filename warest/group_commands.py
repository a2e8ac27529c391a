"""The orders that are about groups. All JIDs are texts; what comes back of a group is a `GroupFacts`."""

from dataclasses import dataclass
from typing import Literal

#: What can be done to the people of a group.
Change = Literal["add", "remove", "promote", "demote"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ListGroups:
    """All groups that the account is in. Result: a list of `GroupFacts`, without their members."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AskGroup:
    """Result: `GroupFacts`."""

    jid: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateGroup:
    """`participants` are JIDs. Result: `GroupFacts`."""

    name: str
    participants: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class NameGroup:
    """Result: nothing, as of all that follow up to the picture."""

    jid: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DescribeGroup:
    """An empty text takes the description away."""

    jid: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LockGroup:
    """Whether only admins may change name, description and picture."""

    jid: str
    locked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnounceGroup:
    """Whether only admins may write."""

    jid: str
    announcement: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaveGroup:
    jid: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SetGroupPicture:
    """`file`, in the spool, is a JPEG; it is deleted there."""

    jid: str
    file: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AskGroupPicture:
    """Result: its URL, or nothing."""

    jid: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeMembers:
    """Result: a list of `MemberChange`, one for each of `participants`, in any order."""

    jid: str
    change: Change
    participants: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AskInvite:
    """The link of a group. `anew`: the one before leads nowhere from now on. Result: the link."""

    jid: str
    anew: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewGroup:
    """What the link with this code leads to. Result: `GroupFacts`."""

    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinGroup:
    """Result: `{"jid", "group"}`; `group` is nothing as long as an admin has not let us in."""

    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AskRequests:
    """Who would like to join. Result: a list of `JoinRequest`."""

    jid: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AskSubgroups:
    """Which groups a community has. Result: a list of `Subgroup`."""

    jid: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ApproveRequests:
    """Let those of them in who would like to join; the others fail with 404. Result: as of ChangeMembers."""

    jid: str
    participants: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DissolveGroup:
    """Remove everybody, make the link void, and leave. Result: `{"removed", "failed", "others"}`.

    The first two are lists of `MemberChange`; if we are no admin, nothing is done, and `others` are the members (JIDs)
    who are none either; otherwise it is nothing.
    """

    jid: str


GroupCommand = (
    ListGroups
    | AskGroup
    | CreateGroup
    | NameGroup
    | DescribeGroup
    | LockGroup
    | AnnounceGroup
    | LeaveGroup
    | SetGroupPicture
    | AskGroupPicture
    | ChangeMembers
    | AskInvite
    | PreviewGroup
    | JoinGroup
    | AskRequests
    | AskSubgroups
    | ApproveRequests
    | DissolveGroup
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """Somebody in a group, by the names (JIDs) that are known. `role` is admin, superadmin or nothing."""

    pn: str
    lid: str
    role: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberChange:
    """`error` is the number that WhatsApp refuses with, 0 when it is done."""

    pn: str
    lid: str
    error: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinRequest:
    """`at` is in epoch seconds."""

    pn: str
    lid: str
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Subgroup:
    """A group of a community. `named_at` is in epoch seconds; `is_announce`: it is the one that all of it are in."""

    jid: str
    name: str
    named_at: int
    is_announce: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupFacts:
    """Times are whole epoch seconds, 0 for none; people are JIDs, by number where it is known.

    `created` is up to two minutes off: the engine hands it on as a short float. `ephemeral` is how long messages
    stay, s. `members` is nothing where they were not asked for, `size` is their number all the same.
    """

    jid: str
    name: str
    named_at: int
    named_by: str
    description: str
    description_id: str
    described_at: int
    described_by: str
    owner: str
    created: int
    locked: bool
    announcement: bool
    ephemeral: int
    is_community: bool
    is_community_announce: bool
    parent: str
    by_lid: bool
    size: int
    members: tuple[Member, ...] | None
