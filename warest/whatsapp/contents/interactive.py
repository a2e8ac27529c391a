"""A text with buttons, as phones of businesses send it: the native flow of an interactive message."""

from warest import commands
from warest.whatsapp import protos
from warest.whatsapp.contents import context, files
from warest.whatsapp.contents.context import Content
from warest.whatsapp.contents.files import File


def build(command: commands.SendInteractive, uploaded: File | None, to: str) -> Content:
    """`uploaded` is the picture of the header."""
    kind = protos.e2e.InteractiveMessage
    flow = kind.NativeFlowMessage(
        buttons=[
            kind.NativeFlowMessage.NativeFlowButton(name=name, buttonParamsJSON=parameters)
            for name, parameters in command.buttons
        ],
        messageVersion=1,
    )
    part = kind(nativeFlowMessage=flow, body=kind.Body(text=command.text))
    if command.footer:
        part.footer.text = command.footer
    if uploaded:
        part.header.hasMediaAttachment = True
        part.header.imageMessage.CopyFrom(files.picture(command, uploaded))
    return context.message("interactiveMessage", part, command, to)
