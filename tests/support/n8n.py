"""The n8n node as a client: how it builds its requests, and what it makes of the answers.

Facts: contract, n8n.md (the node's TypeScript at 32e694f).
"""

from typing import Any
from urllib.parse import quote

from support.product import Product

#: Operation -> method and path; `{name}` is filled in from the fields.
OPERATIONS = {
    "server:ping": "GET /server/ping",
    "server:info": "GET /server/info",
    "server:health": "GET /server/healthz",
    "server:ready": "GET /server/ready",
    "server:cpuHistory": "GET /server/cpu-history",
    "server:restart": "POST /server/restart",
    "server:scheduleRestart": "POST /server/restart/scheduled",
    "session:createSession": "GET /session/create",
    "session:createPairCode": "GET /session/create/pair-code",
    "session:logout": "GET /session/logout",
    "session:reconnect": "GET /session/reconnect",
    "session:devices": "GET /session/devices",
    "session:listSessions": "GET /session/list",
    "session:deleteSession": "DELETE /session/delete",
    "session:updateConfig": "POST /session/{sessionId}/config",
    "messages:sendText": "POST /messages/send/text",
    "messages:sendFiles": "POST /messages/send/files",
    "messages:sendMedia": "POST /messages/send/media",
    "messages:sendDocument": "POST /messages/send/document",
    "messages:sendAudio": "POST /messages/send/audio",
    "messages:sendGif": "POST /messages/send/gif",
    "messages:sendSticker": "POST /messages/send/sticker",
    "messages:sendButton": "POST /messages/send/button",
    "messages:sendList": "POST /messages/send/list",
    "messages:sendLocation": "POST /messages/send/location",
    "messages:sendPoll": "POST /messages/send/poll",
    "messages:sendContact": "POST /messages/send/contact",
    "chats:listChats": "GET /chats",
    "chats:getChatMessages": "GET /chats/{chatId}/messages",
    "chats:pinChat": "POST /chats/{chatId}/pin",
    "chats:pinMessage": "POST /chats/{chatId}/messages/{messageId}/pin",
    "chats:markChatRead": "POST /chats/{chatId}/read",
    "chats:archiveChat": "POST /messages/action/archive",
    "chats:unarchiveChat": "POST /messages/action/unarchive",
    "chats:muteChat": "POST /messages/action/mute",
    "chats:unmuteChat": "POST /messages/action/unmute",
    "chats:clearChat": "DELETE /messages/action/clear-all",
    "messageAction:deleteMessage": "DELETE /messages/{messageId}/action/delete",
    "messageAction:editMessage": "POST /messages/{messageId}/action/edit",
    "messageAction:markMessageRead": "POST /messages/{messageId}/action/mark-as-read",
    "messageAction:reactToMessage": "POST /messages/{messageId}/action/reaction",
    "messageAction:removeReaction": "POST /messages/{messageId}/action/unreaction",
    "messageAction:revokeMessage": "POST /messages/{messageId}/action/revoke",
    "messageAction:starMessage": "POST /messages/{messageId}/action/star",
    "messageAction:unstarMessage": "POST /messages/{messageId}/action/unstar",
    "group:listGroups": "GET /groups",
    "group:getGroupInfo": "GET /group/info",
    "group:getGroupInvite": "GET /group/invite",
    "group:revokeGroupInvite": "POST /group/invite/revoke",
    "group:joinGroupByLink": "POST /group/join-via-link",
    "group:previewGroupByLink": "GET /group/join-via-link",
    "group:createGroup": "POST /group/create",
    "group:leaveGroup": "POST /group/leave",
    "group:deleteGroup": "DELETE /group/delete",
    "group:updateGroupName": "POST /group/name",
    "group:updateGroupDescription": "POST /group/description",
    "group:setGroupAnnouncement": "POST /group/announcement",
    "group:setGroupLocked": "POST /group/locked",
    "group:getGroupParticipants": "GET /group/participants",
    "group:addGroupParticipants": "POST /group/participants/add",
    "group:removeGroupParticipants": "DELETE /group/participants/remove",
    "group:promoteGroupParticipants": "POST /group/participants/promote",
    "group:demoteGroupParticipants": "POST /group/participants/demote",
    "group:approveJoinRequest": "POST /group/participants/request/approve",
    "group:rejectJoinRequest": "POST /group/participants/request/reject",
    "group:listJoinRequests": "GET /group/participants/requests",
    "group:getGroupPicture": "GET /group/picture",
    "group:setGroupPicture": "POST /group/picture",
    "group:deleteGroupPicture": "DELETE /group/picture",
    "profile:getProfileInfo": "GET /profile/info",
    "profile:getProfilePicture": "GET /profile/picture",
    "profile:setProfilePicture": "POST /profile/picture",
    "profile:deleteProfilePicture": "DELETE /profile/picture",
    "profile:getPrivacySettings": "GET /profile/privacy",
    "profile:listContacts": "GET /profile/list-contacts",
    "profile:checkOnWhatsapp": "GET /profile/on-whatsapp",
    "profile:getBusinessProfile": "GET /profile/business-profile",
    "misc:convertStringToQr": "POST /misc/convert-string-toqr/{target}",
    "misc:base64": "POST /misc/base64",
    "misc:cryptoHash": "POST /misc/crypto/hash",
    "misc:cryptoHmac": "POST /misc/crypto/hmac",
    "misc:thumbnail": "POST /misc/media/thumbnail",
    "misc:processImage": "POST /misc/media/image",
    "misc:uuidGenerate": "POST /misc/uuid/generate",
    "misc:uuidValidate": "POST /misc/uuid/validate",
    "misc:decryptWhatsappFile": "POST /misc/whatsapp/file-decrypt",
    "misc:decryptPollVote": "POST /misc/whatsapp/poll-update-vote",
    "misc:validatePhone": "POST /misc/whatsapp/validate/phone",
    "misc:validateJid": "POST /misc/whatsapp/validate/jid",
    "misc:resolveJidOrLid": "POST /misc/whatsapp/resolve/jid-or-lid",
}


class Node:
    def __init__(self, product: Product) -> None:
        self._product = product

    def run(self, operation: str, **fields: Any) -> list[Any]:
        """The items that go on to the next node of a workflow. Raises HTTPStatusError as the node fails."""
        method, _, path = OPERATIONS[operation].partition(" ")
        for name in [name for name in fields if f"{{{name}}}" in path]:
            path = path.replace(f"{{{name}}}", quote(str(fields.pop(name)), safe=""))
        sent = {name: value for name, value in fields.items() if value not in (None, "")}
        carried = {"params": sent} if method == "GET" else {"json": sent}
        key = self._product.key
        answer = self._product.http.request(
            method,
            f"http://127.0.0.1:{self._product.port}/api/v1{path}",
            headers={"X-WAREST-API-KEY": key, "Authorization": f"Bearer {key}"},
            **carried,  # type: ignore[arg-type]
        )
        assert answer.is_success, f"{operation}: {answer.status_code} {answer.text}"
        body = answer.json()
        results = body if body.get("results") is None else body["results"]
        return results if isinstance(results, list) else [results]
