"""Every Redis key, stream and queue name.

All live under one prefix, so that several installations can share a Redis by database number only.
`session` is always the internal ULID of a session, never its public id (which may contain anything).
"""

#: The public stream of events: fields id, event, session (public id), registry (its owner), ts (epoch ms), body (JSON
#: as a webhook gets it). The ids of its entries are the cursors of events.
EVENTS = "warest:events"

#: Dramatiq queue of orders to the supervisors: start or stop a session.
SUPERVISOR_QUEUE = "supervisor"

#: Dramatiq queue of webhook work.
WEBHOOK_QUEUE = "webhooks"

#: Dramatiq queue of what receivers want done.
ACTIONS_QUEUE = "actions"

#: Dramatiq queue of what the database is to learn of chats.
HISTORY_QUEUE = "history"

#: Dramatiq queue of files that came in: they are fetched from WhatsApp's host into storage.
MIRROR_QUEUE = "mirror"

#: Dramatiq queue of work on files: what goes out is made fit to be sent, pictures are edited.
MEDIA_QUEUE = "media"

#: Dramatiq queue of what has to be done now and then.
MAINTENANCE_QUEUE = "maintenance"


#: Sorted set: the supervisors, by the epoch milliseconds of their last sign of life.
SUPERVISORS = "warest:supervisors"


#: String: the states in this Redis are complete; it is gone when Redis has lost everything.
STATES_RESTORED = "warest:states:restored"

#: Hash: the processes of this installation that live, each with its data folder (config/folders.py).
MEMBERS = "warest:members"

#: Sorted set: the processes that live, by the epoch seconds of their last report (vitals.py).
PROCESSES = "warest:processes"

#: String with expiry: when all processes are to be restarted, JSON (restarts.py).
RESTART = "warest:restart"

#: String: at which time of each day they are, JSON.
DAILY_RESTART = "warest:restart:daily"


def vitals(process: str) -> str:
    """String with expiry: how a process is, JSON."""
    return f"warest:vitals:{process}"


def cpu_history(host: str) -> str:
    """Stream: how busy a host's processor was, in percent, under the time of each look."""
    return f"warest:cpu:{host}"


def cpu_turn(host: str) -> str:
    """String with expiry: somebody has just looked."""
    return f"warest:cpu:{host}:turn"


def restarting(what: str) -> str:
    """String with expiry: one process of a kind restarts now, and the others wait for it."""
    return f"warest:restart:{what}:turn"


def supervisor_queue(supervisor: str) -> str:
    """Dramatiq queue of orders that only the owner of a session can carry out."""
    return f"supervisor.{supervisor.replace('/', '.')}"


def command_queue(session: str) -> str:
    """Dramatiq queue of the commands for one session; only its process consumes it."""
    return f"session.{session}"


def session_state(session: str) -> str:
    """Hash: what the process of a session last said of itself."""
    return f"warest:session:{session}:state"


def lease(session: str) -> str:
    """String with expiry: `<number>:<owner>`, the right to own the session's connection."""
    return f"warest:session:{session}:lease"


def lease_number(session: str) -> str:
    """Integer: the number of the newest lease there ever was, for fencing."""
    return f"warest:session:{session}:lease:number"


def outbox(session: str) -> str:
    """Stream: events of a session that wait for their first webhook attempt, in order, each with its `cursor`."""
    return f"warest:session:{session}:outbox"


def lane_to(endpoint: str, session: str) -> str:
    """Stream: events of a session that wait for their first attempt at an endpoint, in order."""
    return f"warest:session:{session}:to:{endpoint}"


def circuit(endpoint: str) -> str:
    """Hash with expiry: how often in a row an endpoint has failed, and until when it is left alone (circuits.py)."""
    return f"warest:endpoint:{endpoint}:circuit"


#: String: a word that changes whenever an endpoint does, so that what processes remember of them is forgotten.
ENDPOINTS_CHANGED = "warest:endpoints:changed"

#: Stream: what is to be written into the log of deliveries, in order.
DELIVERY_LOG = "warest:deliveries:log"


def notes(session: str) -> str:
    """Stream: what the database has yet to learn of a session's chats, in order."""
    return f"warest:session:{session}:notes"


def answered_chats(session: str) -> str:
    """Set: the addresses of those who have ever written to a session (pacing.py)."""
    return f"warest:session:{session}:answered"


def new_chats(session: str, day: int) -> str:
    """Set with expiry: those who never wrote, and got a message on this day since 1970."""
    return f"warest:session:{session}:new:{day}"


def paced_until(session: str) -> str:
    """String with expiry: when the next of them may get a message, epoch s."""
    return f"warest:session:{session}:paced"


def refusals(session: str) -> str:
    """Integer with expiry: how often in a row WhatsApp has refused a message to one of them."""
    return f"warest:session:{session}:refusals"


def paused_for_strangers(session: str) -> str:
    """String with expiry: none of them gets a message as long as it is there."""
    return f"warest:session:{session}:paused"


def lane_lock(lane: str) -> str:
    """String with expiry: the token of whoever empties this stream now (lanes.py)."""
    return f"{lane}:lock"


def lane_nudged(lane: str) -> str:
    """String with expiry: a Dramatiq message that will empty this stream is already on its way."""
    return f"{lane}:nudged"


def follower(stream: str) -> str:
    """String with expiry: the token of whoever writes this stream down now (followers.py)."""
    return f"{stream}:follower"


def farewell(session: str) -> str:
    """String with expiry: where the last events of a deleted session go, JSON."""
    return f"warest:session:{session}:farewell"


def seen_event(event_id: str) -> str:
    """String with expiry: this event was published, so its redelivery is dropped."""
    return f"warest:event:{event_id}:seen"


def started_command(command: str) -> str:
    """String with expiry: this command was begun, so it is never begun again."""
    return f"warest:command:{command}:started"


def maintenance_round(task: str) -> str:
    """String with expiry: the round that is being made; another one that begins meanwhile ends at once."""
    return f"warest:maintenance:{task}:round"


# The broker's own keys. `queue` is a Dramatiq queue name.

#: Set: the queues that exist.
BROKER_QUEUES = "warest:broker:queues"

#: Sorted set: messages that wait for their time, by epoch milliseconds.
BROKER_DELAYED = "warest:broker:delayed"

#: List: one element wakes the scheduler because an earlier message has come in.
BROKER_WAKE = "warest:broker:wake"

#: String with expiry: which process is awake when a delayed message is due; the others only look now and then.
BROKER_SCHEDULER = "warest:broker:scheduler"


def queue_stream(queue: str) -> str:
    """Stream: the messages of a queue that are not done yet, each in the one field `message`."""
    return f"warest:broker:queue:{queue}"


def dead_letters(queue: str) -> str:
    """Stream: the messages of a queue that no retry will deliver."""
    return f"warest:broker:dead:{queue}"


def consumer_heartbeat(consumer: str) -> str:
    """String with expiry: this consumer is alive."""
    return f"warest:broker:consumer:{consumer}"


def broker_bell(keeper: str) -> str:
    """List with expiry: one element ends the sleep of one process' scheduler, so that it can stop at once."""
    return f"warest:broker:bell:{keeper}"


# The limits of callers (limits.py). `who` is a digest: neither an API key nor an address stands in a Redis key.


def limit(kind: str, who: str) -> str:
    """Integer or string with expiry: how often somebody has done something, or that he has done it lately."""
    return f"warest:limit:{kind}:{who}"


def ui_session(token: str) -> str:
    """String with expiry: era and registry of whoever has logged in on a page; `token` is the digest of the cookie."""
    return f"warest:ui:{token}"


def ui_era(registry: str) -> str:
    """Integer: how often all logins of a user have been ended at once."""
    return f"warest:ui-era:{registry}"
