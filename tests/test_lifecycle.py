"""The table of states."""

from warest import lifecycle


def test_every_state_has_advice_and_a_word_of_the_contract() -> None:
    """Somebody who sees it knows what it means and what to do."""
    words = {"starting", "connecting", "open", "reconnecting", "replaced", "logged_out", "stopped"}
    for name, state in lifecycle.STATES.items():
        assert state.name == name and state.status in words
        assert state.meaning.endswith(".") and state.advice.endswith(".")


def test_the_states_that_users_are_promised_exist() -> None:
    """As the documents list them."""
    promised = "connecting qr qr_expired pairing_code open reconnecting keepalive_timeout phone_offline logged_out"
    promised += " main_device_gone replaced banned outdated stopped failed crashed"
    assert set(promised.split()) <= set(lifecycle.STATES)
