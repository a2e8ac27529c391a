"""What is done because a webhook receiver's answer asks for it: `{"actions": [...], "delayMs": n}`.

    templates   the texts of an action, filled in with what the event says
    actions     what an action is called, and what it holds
    runner      which one comes when, how long to wait, what to repeat and what to leave out
    targets     whom, and which message, an action is about
    sends       actions that send -> commands; contents: those that bring a message of their own
    deeds       actions that do something to a message or a chat -> commands
    auto_reply  the actions that we ask for ourselves

Here nothing waits and nothing is ordered: actors/reactions.py does. Facts: contract, webhooks.md section 6. A Reaction
of WhatsApp's, the emoji at a message, is a React (action_commands.py).
"""
