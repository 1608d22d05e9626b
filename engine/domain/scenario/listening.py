"""Keys: menus, digits, confirmations and numbers to be called back at.

Silence and wrong keys are counted apart; each has its own words and its own way out, so that nobody is asked for ever.
"""

import msgspec

from engine.domain.scenario import expressions, graph, secrets, way
from engine.domain.scenario.graph import AnyNode, Callback, Collect, Menu, Variable
from engine.domain.scenario.prompts import house
from engine.domain.scenario.run import Asking, Chunk, Listening, Speech
from engine.domain.scenario.talk import CheckSecret, DigitByDigit, Mask, StoreCallback
from engine.domain.scenario.turn import STORE_S, Turn, is_secret

YES, NO = "1", "2"
LONGEST_NUMBER = 15  # E.164
SHORTEST_NUMBER = 3
END, CLEAR = "#", "*"  # of a number to be called back at
CALLER = Variable("caller")


def begin(turn: Turn, node: Menu | Collect | Callback) -> None:
    """Say what is asked for; keys pressed ahead count, unless the node wants none."""
    secret = is_secret(node)
    if secret:
        turn.orders.append(Mask(on=True))
    if secret or isinstance(node, Callback) or node.flush:
        turn.change(ahead="")
    if isinstance(node, Callback):
        number = str(turn.evaluate(node.number)) if node.number is not None else str(turn.run.facts.get(CALLER, ""))
        first = _number_wanted(number)
        _ask(turn, first, (*turn.chunks(node.prompt), *_words(turn, node, first)))
    else:
        _ask(turn, Listening(asks="keys"), turn.chunks(node.prompt))


def again(turn: Turn, phase: Listening) -> None:
    """Ask once more for the same, from the beginning."""
    _ask(turn, msgspec.structs.replace(phase, keys="", speech=None), _words(turn, turn.node, phase))


def on_key(turn: Turn, phase: Listening, key: str) -> None:
    """A key that counts: whatever is being said about it is over."""
    if phase.speech is not None:
        left = turn.cut(phase.speech)
        phase = msgspec.structs.replace(phase, speech=left)
        turn.phase(phase)
        if left is not None and left.barge != "stop":  # what must be heard is heard first
            turn.change(ahead=turn.run.ahead + key)
            return
    _take(turn, phase, key)


def on_speech(turn: Turn, phase: Listening, speech: Speech | None) -> None:
    """A chunk of the prompt is over. After the last one, what was pressed meanwhile counts, then time."""
    turn.phase(msgspec.structs.replace(phase, speech=speech))
    if speech is None:
        _wait(turn, first=True)
        _take_ahead(turn)


def on_silence(turn: Turn, phase: Listening) -> None:
    """Nothing was pressed in time, or nothing more."""
    node = turn.node
    match node:
        case _ if not phase.keys:
            _silent(turn, phase)
        case Menu(keys=keys) if phase.asks == "keys":
            if phase.keys in keys:
                _choose(turn, node, phase.keys)
            else:
                _wrong(turn, phase)
        case _:
            _complete(turn, phase)


def on_checked(turn: Turn, phase: Asking, *, right: bool) -> None:
    """A sensitive input is as it should be, or is asked for again."""
    node, back = turn.node, phase.back
    if back is None or not isinstance(node, Collect):
        way.fail(turn, "a check that no input asked for")
    elif right:
        turn.change(secrets={**turn.run.secrets, node.into: turn.run.node})
        turn.set({node.into: secrets.word(node.into)})
        way.leave(turn, "done")
    else:
        _wrong(turn, back)


def other_number(turn: Turn, phase: Listening) -> None:
    """The number is none that can be called back: another one."""
    _wrong(turn, msgspec.structs.replace(phase, asks="number", entry=""))


# -- asking ------------------------------------------------------------------------------------------------------------


def _ask(turn: Turn, phase: Listening, said: tuple[Chunk, ...]) -> None:
    turn.stop("input")
    if turn.run.ahead and all(chunk.barge == "stop" for chunk in said):
        said = ()  # whoever knows the way need not listen
    speech = turn.begin(said)
    turn.phase(msgspec.structs.replace(phase, speech=speech))
    if speech is None:
        _wait(turn, first=True)
        _take_ahead(turn)


def _words(turn: Turn, node: AnyNode, phase: Listening) -> tuple[Chunk, ...]:
    """What asks for the input of this phase."""
    match node, phase.asks:
        case Callback(), "number":
            return house("enter-number")
        case Callback(), _:
            return (*house("call-you-back-at"), _read(phase.entry), *house("confirm-number"))
        case Collect(confirm=confirm), "confirm":
            return (_read(phase.entry), *turn.chunks(confirm))
        case Menu(prompt=prompt) | Collect(prompt=prompt), _:
            return turn.chunks(prompt)
        case _:
            return ()


def _read(entry: str) -> Chunk:
    return Chunk("stop", (DigitByDigit(entry),))


def _number_wanted(number: str) -> Listening:
    """Confirm the number that is known, or ask for one."""
    digits = "".join(c for c in number.replace("+", "00") if c in "0123456789")
    if len(digits) < SHORTEST_NUMBER:
        return Listening(asks="number")
    return Listening(asks="confirm", entry=digits)


def _wait(turn: Turn, *, first: bool) -> None:
    node = turn.node
    if isinstance(node, Menu | Collect):
        turn.wait("input", node.first_timeout_s if first else node.inter_digit_timeout_s)
    else:
        turn.wait("input", 5.0 if first else 3.0)


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
    node = turn.node
    match node, phase.asks:
        case _, "confirm":
            _confirm(turn, phase, key)
        case Menu(), _:
            _take_choice(turn, node, phase, phase.keys + key)
        case Collect(terminators=terminators), _ if key in terminators:
            _complete(turn, phase)
        case Collect(clear_key=clear, max_digits=most), _:
            _take_digit(turn, phase, key, clear=clear, most=most)
        case _ if key == END:
            _complete(turn, phase)
        case _:
            _take_digit(turn, phase, key, clear=CLEAR, most=LONGEST_NUMBER)


def _take_choice(turn: Turn, node: Menu, phase: Listening, keys: str) -> None:
    longer = any(choice.startswith(keys) and choice != keys for choice in node.keys)
    if longer:
        turn.phase(msgspec.structs.replace(phase, keys=keys))
        _wait(turn, first=False)
    elif keys in node.keys:
        _choose(turn, node, keys)
    else:
        _wrong(turn, phase)


def _choose(turn: Turn, node: Menu, keys: str) -> None:
    turn.depart(graph.key_outcome(keys))
    way.go(turn, node.keys[keys])


def _take_digit(turn: Turn, phase: Listening, key: str, *, clear: str, most: int) -> None:
    if key == clear:
        turn.phase(msgspec.structs.replace(phase, keys=""))
        _wait(turn, first=True)
    else:
        phase = msgspec.structs.replace(phase, keys=phase.keys + key)
        turn.phase(phase)
        if len(phase.keys) >= most:
            _complete(turn, phase)
        else:
            _wait(turn, first=False)


def _complete(turn: Turn, phase: Listening) -> None:
    """The input is over: it is taken, read back, or wrong."""
    node, keys = turn.node, phase.keys
    turn.stop("input")
    match node:
        case Collect() if len(keys) < node.min_digits:
            _wrong(turn, phase)
        case Collect() if node.sensitive:
            _check(turn, node, phase)
        case Collect() if node.valid and not expressions.fits(node.valid, keys):
            _wrong(turn, phase)
        case Collect() if node.confirm:
            again(turn, msgspec.structs.replace(phase, asks="confirm", entry=keys))
        case Collect():
            _collected(turn, node, keys)
        case _ if len(keys) < SHORTEST_NUMBER:
            _wrong(turn, phase)
        case _:
            again(turn, msgspec.structs.replace(phase, asks="confirm", entry=keys))


def _check(turn: Turn, node: Collect, phase: Listening) -> None:
    """Only `secrets` knows the keys."""
    back = msgspec.structs.replace(phase, keys="", speech=None)
    turn.ask(CheckSecret(name=node.into, valid=node.valid), STORE_S, back=back)


def _collected(turn: Turn, node: Collect, entry: str) -> None:
    turn.set({node.into: entry})
    way.leave(turn, "done")


def _confirm(turn: Turn, phase: Listening, key: str) -> None:
    node = turn.node
    turn.stop("input")
    if key == YES and isinstance(node, Collect):
        _collected(turn, node, phase.entry)
    elif key == YES and isinstance(node, Callback):
        question = StoreCallback(queue=node.queue, number=phase.entry)
        turn.ask(question, STORE_S, back=msgspec.structs.replace(phase, speech=None))
    elif key == NO:
        asks = "number" if isinstance(node, Callback) else "keys"
        _wrong(turn, msgspec.structs.replace(phase, asks=asks, entry=""))
    else:
        _wrong(turn, phase)


# -- not good enough ---------------------------------------------------------------------------------------------------


def _wrong(turn: Turn, phase: Listening) -> None:
    """Once more, with fewer words where the scenario has some; the last time leads out."""
    node = turn.node
    phase = msgspec.structs.replace(phase, keys="", speech=None, wrong=phase.wrong + 1)
    turn.change(ahead="")
    if phase.wrong >= _tries(node):
        way.leave(turn, "refused" if isinstance(node, Callback) else "no_match")
    else:
        _once_more(turn, phase, node.no_match_prompt if isinstance(node, Menu | Collect) else ())


def _silent(turn: Turn, phase: Listening) -> None:
    node = turn.node
    phase = msgspec.structs.replace(phase, silent=phase.silent + 1)
    if phase.silent >= _tries(node):
        way.leave(turn, "refused" if isinstance(node, Callback) else "no_input")
    else:
        _once_more(turn, phase, node.no_input_prompt if isinstance(node, Menu | Collect) else ())


def _once_more(turn: Turn, phase: Listening, prompt: graph.Prompt) -> None:
    own = turn.chunks(prompt) if phase.asks == "keys" else ()
    _ask(turn, phase, own or _words(turn, turn.node, phase))


def _tries(node: AnyNode) -> int:
    return node.tries if isinstance(node, Menu | Collect | Callback) else 1
