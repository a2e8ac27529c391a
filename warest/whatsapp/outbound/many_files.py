"""Several files in one command: each at most once, each reported."""

import dataclasses
from typing import Any

from warest import commands
from warest.errors import NotConnected, WarestError
from warest.whatsapp.client import Client
from warest.whatsapp.outbound import sends
from warest.whatsapp.outbound.sends import Results, Take


def send(client: Client, command: commands.SendFiles, take: Take) -> Results:
    """One file after the other, to everybody; one that fails does not stop the rest.

    Raises when nobody got anything, with what would have been the result in `details["results"]`.
    """
    told: dict[str, Results] = {to: [] for to in command.to}
    errors: list[WarestError] = []
    for file in command.files:
        sent = _one_of_many(client, command, file, take, errors)
        command = dataclasses.replace(command, presence="")  # it was shown before the first
        for one in sent:
            about = {name: file.get(name) for name in ("name", "mimetype", "size", "reply_to")}
            told[one["to"]].append({**one, **about})
        if all(isinstance(error, NotConnected) for error in errors) and len(errors) == len(command.to):
            raise errors[0]  # at the very first file: nothing was sent, so that the command may be tried again
    results = [of_recipient(to, files) for to, files in told.items()]
    if not any("timestamp" in result for result in results):
        worst = sends.worst_of(errors)
        worst.details["results"] = results
        raise worst
    return results


def _one_of_many(
    client: Client, command: commands.SendFiles, file: dict[str, Any], take: Take, errors: list[WarestError]
) -> Results:
    single = commands.SendFile(
        kind="document",
        to=command.to,
        file=file["file"],
        name=file["name"],
        mimetype=file["mimetype"],
        caption=file["caption"],
        reply_to=file["reply_to"],
        quoted=file.get("quoted"),
        forwarded=command.forwarded,
        expirations=command.expirations,
        presence=command.presence,
    )
    try:
        sent = sends.file(client, single, take)
    except WarestError as error:
        sent = [{"to": to, "error": error.to_dict()} for to in command.to]
    errors += [WarestError.from_dict(one["error"]) for one in sent if "error" in one]
    return sent


def of_recipient(to: str, files: Results) -> dict[str, Any]:
    """What he got of many files; `error` is the first of those that he did not get."""
    sent = [file for file in files if "error" not in file]
    failed = [file["error"] for file in files if "error" in file]
    shared = {name: sent[-1][name] for name in ("to_pn", "to_lid", "timestamp", "sender")} if sent else {}
    of_each = ("name", "mimetype", "size", "reply_to", "message_id", "timestamp", "error")
    told = [{name: file[name] for name in of_each if name in file} for file in files]
    return {"to": to, **shared, "files": told, **({"error": failed[0]} if failed else {})}
