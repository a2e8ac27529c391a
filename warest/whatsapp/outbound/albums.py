"""Pictures and videos that phones show together."""

from typing import Any

from warest import commands
from warest.errors import WarestError
from warest.ids import Jid
from warest.whatsapp import contents
from warest.whatsapp.client import Client
from warest.whatsapp.contents import files
from warest.whatsapp.outbound import engine, sends
from warest.whatsapp.outbound.many_files import of_recipient
from warest.whatsapp.outbound.sends import Results, Take


def send(client: Client, command: commands.SendAlbum, take: Take) -> Results:
    """All files are at WhatsApp before anything is announced, so that nobody waits for one that cannot come."""
    singles = [command.single(file) for file in command.files]
    there = [sends.uploaded(client, take(single.file), single) for single in singles]
    announced = sends.to_all(client, command, lambda to: contents.album(command, to))
    results: Results = []
    for one in announced:
        if "error" in one:
            results.append(one)
            continue
        told = [
            {
                **_sent(client, one, single, file),
                "name": single.name,
                "mimetype": single.mimetype,
                "size": about["size"],
            }
            for single, file, about in zip(singles, there, command.files, strict=True)
        ]
        results.append({**one, **of_recipient(one["to"], told), "timestamp": one["timestamp"]})
    return results


def _sent(client: Client, parent: dict[str, Any], single: commands.SendFile, file: files.File) -> dict[str, Any]:
    """What became of one of them; the others go out all the same."""
    key = commands.Key(chat=parent["to"], id=parent["message_id"], from_me=True)
    try:
        sent = engine.send(client, Jid.parse(parent["to"]), files.of_album(single, file, parent["to"], key))
    except WarestError as error:
        return {"error": error.to_dict()}
    return {**{name: getattr(sent, name) for name in ("to_pn", "to_lid", "message_id", "timestamp", "sender")}}
