"""Times that contradict each other."""

from engine.domain.scenario.graph import Record, Ring, Voicemail
from engine.scenarios.check.subject import Subject


def check(subject: Subject) -> None:
    for name, node in subject.scenario.nodes.items():
        match node:
            case Record(min_s=least, max_s=most) | Voicemail(min_s=least, max_s=most) if least > most:
                subject.find("S407", ("min_s",), f"min_s is {least}, and max_s {most}: no message is long enough", name)
            case Ring(ring_s=each, max_s=most) if each > most:
                subject.find("S407", ("ring_s",), f"ring_s is {each}, and the search ends after max_s: {most}", name)
            case _:
                pass
