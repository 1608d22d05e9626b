"""Keys: menus, digits, confirmations and numbers to be called back at.

Silence and wrong keys are counted apart; each has its own words and its own way out, so that nobody is asked for ever.
"""

from typing import cast

import msgspec

from engine.domain.scenario import expressions, graph, way
from engine.domain.scenario.graph import AnyNode, Callback, Collect, Menu, Variable
from engine.domain.scenario.outcomes import key_outcome
from engine.domain.scenario.prompts import house
from engine.domain.scenario.run import Asked, Chunk, Habit, Listening, Speech
from engine.domain.scenario.secrets import MASKED, word
from engine.domain.scenario.talk import CheckSecret, DigitByDigit, StoreCallback
from engine.domain.scenario.turn import STORE_S, Turn, unstoppable

Listener = Menu | Collect | Callback
YES, NO = "1", "2"
LONGEST_NUMBER = 15  # E.164
SHORTEST_NUMBER = 3
END, CLEAR = "#", "*"  # of a number to be called back at
FIRST_S, INTER_DIGIT_S = 5.0, 3.0  # of a callback
HABIT_S = 2.0
"""Whoever ends an input by a key although it was long enough does so by then."""
CALLER = Variable("caller")


def begin(turn: Turn, node: Listener) -> None:
    """Say what is asked for; keys pressed ahead count, unless the node wants none."""
    if isinstance(node, Callback):
        turn.change(ahead="")
        number = turn.text(node.number) if node.number is not None else str(turn.run.facts.get(CALLER, ""))
        first = _number_wanted(number)
        _ask(turn, first, (*turn.chunks(node.prompt), *_words(turn, node, first)))
    else:
        said = turn.chunks(node.prompt)
        turn.mask(on=_is_secret(node))
        ahead = "" if node.flush else turn.run.ahead
        turn.change(ahead=ahead.lstrip(_meaningless(node)))
        _ask(turn, Listening(asks="keys"), said)


def again(turn: Turn, phase: Listening) -> None:
    """Ask once more for the same, from the beginning."""
    _ask(turn, msgspec.structs.replace(phase, keys="", speech=None), _words(turn, _listener(turn), phase))


def on_key(turn: Turn, phase: Listening, key: str) -> None:
    """A key that counts: whatever is being said about it is over."""
    if phase.speech is not None:
        phase = msgspec.structs.replace(phase, speech=turn.cut(phase.speech))
        turn.phase(phase)
        if phase.speech is not None:  # what must be heard is heard first
            turn.change(ahead=turn.run.ahead + key)
            return
    _take(turn, phase, key)


def on_speech(turn: Turn, phase: Listening, speech: Speech) -> None:
    """A chunk of the prompt is over. After the last one, what was pressed meanwhile counts, then time."""
    left = unstoppable(speech.left) if turn.run.ahead else speech.left
    following = turn.following(msgspec.structs.replace(speech, left=left))
    _listen(turn, msgspec.structs.replace(phase, speech=following))


def on_silence(turn: Turn, phase: Listening) -> None:
    """Nothing was pressed in time, or nothing more."""
    node = _listener(turn)
    if not phase.keys:
        _silent(turn, node, phase)
    elif not isinstance(node, Menu):
        _complete(turn, node, phase)
    elif phase.keys in node.keys:
        _choose(turn, node, phase.keys)
    else:
        _wrong(turn, node, phase)


def on_checked(turn: Turn, node: Collect, phase: Listening, name: str | None) -> None:
    """A sensitive input is as it should be, and has a name now; or it is asked for again."""
    if name is None:
        _wrong(turn, node, phase)
    else:
        asked = Asked(frames=len(turn.run.frames), node=turn.run.node)
        turn.change(secrets={**turn.run.secrets, name: asked})
        _collected(turn, node, word(name))


def other_number(turn: Turn, phase: Listening) -> None:
    """The number is none that can be called back: another one."""
    _wrong(turn, _listener(turn), msgspec.structs.replace(phase, asks="number", entry=""))


def unseen(ahead: str, phase: Listening, node: AnyNode, key: str) -> bool:
    """Of a scenario with a sensitive input: whether this key is one of it, or may be one typed ahead.

    While something is said that must be heard, an input that is no secret may be typed ahead, but no more.
    """
    if _is_secret(node):
        return key not in _ends(node)
    waits = phase.speech is not None and phase.speech.barge != "stop"
    return waits and (len(ahead) >= _longest(node, phase) or any(key in _ends(node) for key in ahead))


# -- what an input is --------------------------------------------------------------------------------------------------


def _listener(turn: Turn) -> Listener:
    return cast("Listener", turn.node)  # only these listen


def _is_secret(node: AnyNode) -> bool:
    return isinstance(node, Collect) and node.sensitive


def _ends(node: AnyNode) -> str:
    """The keys that end an input or begin it anew."""
    match node:
        case Collect(terminators=terminators, clear_key=clear):
            return terminators + clear
        case Callback():
            return END + CLEAR
        case _:
            return ""


def _meaningless(node: Menu | Collect) -> str:
    """Keys that no input begins with: typed ahead, they belonged to an input before."""
    match node:
        case Menu(keys=keys):
            return "" if any(choice.startswith(END) for choice in keys) else END
        case Collect(min_digits=0, clear_key=clear):
            return clear
        case _:
            return _ends(node)


def _longest(node: AnyNode, phase: Listening) -> int:
    match node:
        case _ if phase.asks == "confirm":
            return 1
        case Menu(keys=keys):
            return max(map(len, keys), default=0)
        case Collect(max_digits=most):
            return most
        case _:
            return LONGEST_NUMBER


# -- asking ------------------------------------------------------------------------------------------------------------


def _ask(turn: Turn, phase: Listening, said: tuple[Chunk, ...]) -> None:
    turn.stop("input")
    if turn.run.ahead:
        said = unstoppable(said)  # whoever knows the way need not listen
    _listen(turn, msgspec.structs.replace(phase, speech=turn.begin(said)))


def _listen(turn: Turn, phase: Listening) -> None:
    """When nothing is being said: time counts, and what was pressed before."""
    turn.phase(phase)
    if phase.speech is None:
        _wait(turn, first=True)
        _take_ahead(turn)


def _words(turn: Turn, node: Listener, phase: Listening) -> tuple[Chunk, ...]:
    """What asks for the input of this phase."""
    match node, phase.asks:
        case Callback(), "number":
            return house("enter-number")
        case Callback(), _:
            return (*house("call-you-back-at"), _read(phase.entry), *house("confirm-number"))
        case Collect(confirm=confirm), "confirm":
            return (_read(phase.entry), *turn.chunks(confirm))
        case _:
            return turn.chunks(node.prompt)


def _read(entry: str) -> Chunk:
    return Chunk("stop", (DigitByDigit(entry.replace("+", "00")),))


def _number_wanted(number: str) -> Listening:
    """Confirm the number that is known, or ask for one."""
    known = number.removeprefix("+")
    if known.isdecimal() and len(known) >= SHORTEST_NUMBER:
        return Listening(asks="confirm", entry=number)
    return Listening(asks="number")


def _wait(turn: Turn, *, first: bool) -> None:
    node = _listener(turn)
    if isinstance(node, Callback):
        turn.wait("input", FIRST_S if first else INTER_DIGIT_S)
    else:
        turn.wait("input", node.first_timeout_s if first else node.inter_digit_timeout_s)


# -- keys --------------------------------------------------------------------------------------------------------------


def _take_ahead(turn: Turn) -> None:
    """The keys pressed before, one by one, for as long as this input takes them."""
    while turn.run.ahead and turn.going is None:
        phase = turn.run.phase
        if not isinstance(phase, Listening) or phase.speech is not None:
            return
        key, left = turn.run.ahead[0], turn.run.ahead[1:]
        turn.change(ahead=left)
        _take(turn, phase, key)


def _take(turn: Turn, phase: Listening, key: str) -> None:
    node = _listener(turn)
    match node:
        case _ if phase.asks == "confirm":
            _confirm(turn, node, phase, key)
        case Menu():
            _take_choice(turn, node, phase, phase.keys + key)
        case Collect(terminators=ends, clear_key=clear, max_digits=most):
            _take_digit(turn, node, phase, key, ends=ends, clear=clear, most=most)
        case _:
            _take_digit(turn, node, phase, key, ends=END, clear=CLEAR, most=LONGEST_NUMBER)


def _take_choice(turn: Turn, node: Menu, phase: Listening, keys: str) -> None:
    longer = any(choice.startswith(keys) and choice != keys for choice in node.keys)
    if longer:
        turn.phase(msgspec.structs.replace(phase, keys=keys))
        _wait(turn, first=False)
    elif keys in node.keys:
        _choose(turn, node, keys)
    else:
        _wrong(turn, node, phase)


def _choose(turn: Turn, node: Menu, keys: str) -> None:
    turn.depart(key_outcome(keys))
    way.go(turn, node.keys[keys])


def _take_digit(
    turn: Turn, node: Collect | Callback, phase: Listening, key: str, *, ends: str, clear: str, most: int
) -> None:
    if key in ends:
        _complete(turn, node, phase)
    elif key == clear:
        turn.phase(msgspec.structs.replace(phase, keys=""))
        _wait(turn, first=True)
    else:
        phase = msgspec.structs.replace(phase, keys=phase.keys + key)
        turn.phase(phase)
        if len(phase.keys) < most:
            _wait(turn, first=False)
        else:
            _forgive(turn, ends)
            _complete(turn, node, phase)


def _forgive(turn: Turn, ends: str) -> None:
    """The input is as long as it may be: a key that ends it is still to come, of some callers."""
    if turn.run.ahead:
        turn.change(ahead=turn.run.ahead[turn.run.ahead[0] in ends :])
    else:
        turn.change(habit=Habit(keys=ends, until=turn.at.mono + HABIT_S))


def _complete(turn: Turn, node: Collect | Callback, phase: Listening) -> None:
    """The input is over: it is taken, read back, or wrong."""
    keys = phase.keys
    turn.stop("input")
    if isinstance(node, Callback):
        right = len(keys) >= SHORTEST_NUMBER and keys.isdecimal()
    else:
        right = len(keys) >= node.min_digits and (
            node.sensitive or not node.valid or expressions.fits(node.valid, keys)
        )
    if not right:
        _wrong(turn, node, phase)
    elif isinstance(node, Collect) and node.sensitive:
        _check(turn, node, phase)
    elif isinstance(node, Collect) and not (node.confirm and keys):
        _collected(turn, node, keys)
    else:
        again(turn, msgspec.structs.replace(phase, asks="confirm", entry=keys))


def _check(turn: Turn, node: Collect, phase: Listening) -> None:
    """Only `secrets` knows the keys."""
    name = f"{node.into}-{turn.run.numbers}"  # every input has its own, were it the same variable's
    question = CheckSecret(name=name, valid=node.valid, length=len(phase.keys), later=turn.run.ahead.count(MASKED))
    turn.ask(question, STORE_S, back=msgspec.structs.replace(phase, keys="", speech=None))


def _collected(turn: Turn, node: Collect, entry: str) -> None:
    turn.set({node.into: entry})
    way.leave(turn, "done")


def _confirm(turn: Turn, node: Listener, phase: Listening, key: str) -> None:
    turn.stop("input")
    if key == YES and isinstance(node, Callback):
        question = StoreCallback(queue=node.queue, number=phase.entry)
        turn.ask(question, STORE_S, back=msgspec.structs.replace(phase, speech=None))
    elif key == YES and isinstance(node, Collect):
        _collected(turn, node, phase.entry)
    elif key == NO:
        asks = "number" if isinstance(node, Callback) else "keys"
        _wrong(turn, node, msgspec.structs.replace(phase, asks=asks, entry=""), own=False)
    else:
        _wrong(turn, node, phase)


# -- not good enough ---------------------------------------------------------------------------------------------------


def _wrong(turn: Turn, node: Listener, phase: Listening, *, own: bool = True) -> None:
    """Once more, with words of its `own` where the scenario has some; the last time leads out."""
    phase = msgspec.structs.replace(phase, keys="", speech=None, wrong=phase.wrong + 1)
    turn.change(ahead="")
    if phase.wrong >= node.tries:
        way.leave(turn, "refused" if isinstance(node, Callback) else "no_match")
    else:
        _once_more(turn, node, phase, node.no_match_prompt if own and not isinstance(node, Callback) else ())


def _silent(turn: Turn, node: Listener, phase: Listening) -> None:
    phase = msgspec.structs.replace(phase, silent=phase.silent + 1)
    if phase.silent >= node.tries:
        way.leave(turn, "refused" if isinstance(node, Callback) else "no_input")
    else:
        _once_more(turn, node, phase, () if isinstance(node, Callback) else node.no_input_prompt)


def _once_more(turn: Turn, node: Listener, phase: Listening, prompt: graph.Prompt) -> None:
    """Whoever typed ahead of the whole prompt has not heard it yet."""
    own = turn.chunks(prompt) if phase.asks == "keys" else ()
    heard = turn.run.path[-1].prompts > 0
    _ask(turn, phase, own if own and heard else (*own, *_words(turn, node, phase)))
