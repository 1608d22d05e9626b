"""Every code of the checker: what it says, how to mend it, and what it looks like. `docs/scenarios-check.md` shows it.

S2xx: the graph. S3xx: what the deployment does not have. S4xx: keys and digits. S5xx: variables. S6xx: prompts.
S7xx: subflows. S8xx: what the caller does not hear. S9xx: limits.
"""

from typing import NamedTuple

from engine.scenarios.findings import Severity


class Code(NamedTuple):
    title: str
    mend: str
    example: str
    severity: Severity = "error"


CODES: dict[str, Code] = {
    # -- the graph -----------------------------------------------------------------------------------------------------
    "S201": Code(
        "an edge to a node that is not there",
        "Write the name of a node of this scenario, or add the node.",
        "next: mesage, where the node is called message",
    ),
    "S202": Code(
        "start, on_error or on_hangup is not there",
        "Write the name of a node of this scenario, or add the node.",
        "start: welcome, and no node of that name",
    ),
    "S203": Code(
        "a node that no caller can reach",
        "Lead an edge to it, or take it away.",
        "a node that no edge names",
        "warning",
    ),
    "S204": Code(
        "an edge that is never taken",
        "Take it away.",
        "next on a hangup, or a case behind one that always holds",
        "warning",
    ),
    "S205": Code(
        "an outcome that this type of node does not have",
        "Use one of the outcomes named in the message.",
        "on: {no_inptu: bye} in a menu",
    ),
    "S206": Code(
        "an outcome that must have an edge has none",
        "Say where it leads: under `on`, or as `next` for the first outcome.",
        "a menu without no_match",
    ),
    "S207": Code(
        "a node from which no end can be reached",
        "Lead it, over other nodes or not, to a hangup, a return or somebody to talk to.",
        "a play whose only edge leads to itself",
    ),
    "S208": Code(
        "a circle in which nobody waits for the caller: it would spin",
        "Let the circle end after some rounds, or put a node into it that waits for the caller.",
        "a switch that leads to a set that leads back to the switch",
    ),
    "S209": Code(
        "a caller who says nothing, or is always wrong, goes round for ever",
        "Lead no_input and no_match somewhere else in the end: `tries` is how often they are asked again.",
        "on: {no_input: menu} in the node menu itself",
    ),
    "S210": Code(
        "a fault that lasts goes round for ever",
        "Lead the error to a node that cannot fail in the same way, in the end to a hangup.",
        "on_error leads to a lookup, whose own error leads to on_error",
    ),
    "S211": Code(
        "a caller whom nobody takes is tried again for ever: only the limits end it",
        "Count the rounds in a variable and leave by a switch, or mean it: then see that `limits` are what you want.",
        "a group whose not_taken leads back to the group",
        "warning",
    ),
    "S212": Code(
        "a node with nothing in it",
        "Fill it in, or take it away.",
        "a menu without keys, a switch without cases, a set without values",
    ),
    "S213": Code(
        "a case that can never hold",
        "Take it away, or mend its condition.",
        "two cases with the same condition",
    ),
    # -- what the deployment does not have -----------------------------------------------------------------------------
    "S301": Code("an unknown group", "Name a group of the directory.", "group: slaes"),
    "S302": Code("an unknown agent", "Name an agent of the directory.", "agents: [alcie]"),
    "S303": Code("an unknown calendar", "Name a calendar that is declared.", "calendar: ofice"),
    "S304": Code("an unknown incident flag", "Name a flag that is declared.", "flags: [closd]"),
    "S305": Code("an unknown table", "Name a declared table, or contacts.", "table: custommers"),
    "S306": Code("a column that the table does not have", "Name a column of the table.", "into: {name: naem}"),
    "S307": Code("an unknown mailbox", "Name an agent or a group that has a mailbox.", "mailbox: slaes"),
    "S308": Code("an unknown scenario", "Name a scenario of this deployment.", "scenario: suvrey"),
    "S309": Code(
        "a recording that is missing in a language",
        "Upload the recording in this language, or say the words by `say`.",
        "file: welcome, recorded in French only, in a scenario that speaks fr and en",
    ),
    "S310": Code(
        "a sound that Asterisk does not have in a language: it would silently speak English, or nothing",
        "Install Asterisk's sounds of this language, or say the words by `say`.",
        "sound: vm-goodby",
    ),
    "S311": Code("an unknown extension", "Name an extension of the directory.", "extension: 2999"),
    "S312": Code(
        "nobody to reach, or several ways at once",
        "A transfer and a group have exactly one target, a ring one agent or number at least.",
        "a transfer with an extension and a number",
    ),
    "S313": Code(
        "a language that is not spoken here",
        "Add it to `languages` of the scenario or of the deployment, or use another.",
        "language: en, in a scenario of languages: [fr]",
    ),
    "S314": Code(
        "a doubtful calendar",
        "Mend the calendar in the directory, or mean it so.",
        "calendar: office, which is not open once in the coming year",
        "warning",
    ),
    "S315": Code(
        "an address that no web service can be asked at",
        "Write it whole, with https:// and its host; variables may stand behind the host.",
        "url: api.example.net/orders, or https://{caller}/",
    ),
    "S316": Code("a body that is not sent", "Write method: POST beside it.", "body: {pin: pin} without a method"),
    "S390": Code(
        "not checked, for want of knowing",
        "Check again where the deployment is known, or give what is missing.",
        "the check on a laptop does not know the groups",
        "warning",
    ),
    # -- keys and digits -----------------------------------------------------------------------------------------------
    "S401": Code(
        "a key that begins another: it costs the caller a wait",
        "Choose keys of which none begins another.",
        "keys 1 and 12: whoever presses 1 waits for inter_digit_timeout_s",
        "warning",
    ),
    "S402": Code("a key that few telephones have", "Choose among 0 to 9, * and #.", "keys: {A: sales}", "warning"),
    "S403": Code(
        "a number of digits that nobody can type",
        "Let min_digits be 0 or more, and max_digits 1 or more and not less than min_digits.",
        "min_digits: 6 and max_digits: 4",
    ),
    "S404": Code(
        "terminators and clear key get in the way of the input",
        "Use # to end and * to clear, each for one thing only, and neither where it is a part of the input.",
        'terminators: "#" and clear_key: "#"',
    ),
    "S405": Code(
        "a regular expression that cannot be read",
        "Write it in the syntax of RE2, for the whole input.",
        'valid: "[0-9"',
    ),
    "S406": Code(
        "no input is ever valid",
        "Let `valid` fit to min_digits, max_digits and the keys that are left for the input.",
        'valid: "[0-9]{5}" with max_digits: 4',
    ),
    "S407": Code(
        "times that contradict each other",
        "Let the shorter be the shorter.",
        "min_s: 10 and max_s: 5 in a record, ring_s: 30 and max_s: 20 in a ring",
    ),
    "S408": Code(
        "a key is announced that does not exist",
        "Say another key, or add the one that is said.",
        'say: {en: "Press 3 for sales"} in a menu without 3',
    ),
    "S409": Code(
        "a key that is never announced",
        "Announce it in every language, or take it away.",
        "key 9 in a menu whose words name 1 and 2 only",
        "warning",
    ),
    "S410": Code(
        "a recording that is not announced",
        "Give the node a prompt which says that the caller is recorded.",
        "a record with prompt: []",
    ),
    # -- variables -----------------------------------------------------------------------------------------------------
    "S501": Code(
        "an undeclared variable", "Declare it under `vars`, or write another.", "{nmae} in a say, name in vars"
    ),
    "S502": Code(
        "a variable that may have no value when it is read",
        "Give it a default, or set it on every way that leads here.",
        "digits: number, where no_input of the collect leads here too",
    ),
    "S503": Code(
        "a variable that is never read", "Take it away.", "a variable under vars that no node names", "warning"
    ),
    "S504": Code(
        "an expression that is wrong",
        "Mend the expression (CEL: equal is ==, and is &&); texts stand in quotes inside it.",
        "when: department > 3, where department is a text",
    ),
    "S505": Code(
        "a value of the wrong type",
        "Convert it, by string() or int(), or change the variable's type.",
        "when: tries + 1, which is a number and no flag",
    ),
    "S506": Code(
        "a sensitive input would be seen or heard",
        "Use it as the key of a lookup or in the body of a fetch only.",
        "digits: pin, where pin is collected with sensitive: true",
    ),
    "S507": Code(
        "a decision on a sensitive input, which the scenario never knows",
        "Let a lookup or a fetch decide: the scenario has but a word that stands for the input.",
        "when: pin == '1234'",
    ),
    "S508": Code(
        "a variable that cannot be set",
        "caller, called, redirected_from, language and day are known; choose another name.",
        "into: caller",
    ),
    "S509": Code(
        "a variable that no expression can name: the word is CEL's own",
        "Choose another name, such as the_package.",
        "package, type, list or in under `vars`",
    ),
    # -- prompts -------------------------------------------------------------------------------------------------------
    "S601": Code(
        "a prompt that is missing in a language",
        "Write it in every language of the scenario.",
        'say: {fr: "Bonjour"} in a scenario of languages: [fr, en]',
    ),
    "S602": Code(
        "words to be spoken, and no speech engine for the language",
        "Install espeak-ng, or record the words and use `file`.",
        "a say, where the deployment has no speech engine",
    ),
    "S603": Code(
        "braces that name no variable: they would be read out",
        "A variable's name is a-z, 0-9 and underscores: {first_name}.",
        '"Hello {First Name}"',
    ),
    "S604": Code(
        "a prompt in a language that is never spoken",
        "Take it away.",
        "say: {en: Hello} in a scenario of languages: [fr]",
        "warning",
    ),
    "S605": Code(
        "a language without a title", "Add it under `title`.", "languages: [fr, en], title: {fr: ...}", "warning"
    ),
    "S606": Code("nothing is said", "Say something, or take the node away.", "a play with prompt: []", "warning"),
    # -- subflows ------------------------------------------------------------------------------------------------------
    "S701": Code("a scenario that runs itself", "Break the circle.", "a is a subflow of b, and b of a"),
    "S702": Code("a parameter without a value", "Give it under `params`.", "the subflow has a param without a default"),
    "S703": Code(
        "a parameter or result that the subflow does not have",
        "Name one that it declares with param: true, or result: true.",
        "params: {nmae: caller}",
    ),
    "S704": Code(
        "an outcome that the scenario does not declare", "Add it to `outcomes`, or use another.", "return: refusd"
    ),
    "S705": Code(
        "an outcome that never comes", "Return it, or take it away.", "outcomes: [sold], no return", "warning"
    ),
    "S706": Code(
        "a subflow that never comes back", "Give it a return.", "a subflow that ends by hangup only", "warning"
    ),
    "S707": Code(
        "scenarios that transfer to each other: only the limits end it",
        "Break the circle.",
        "day transfers to night, and night to day",
        "warning",
    ),
    # -- what the caller does not hear ---------------------------------------------------------------------------------
    "S801": Code(
        "early media for a caller who is answered already",
        "Put it before the first node that answers, or take `unanswered` away.",
        "unanswered: true behind a menu",
    ),
    "S802": Code(
        "nobody is there to hear it",
        "After a hang-up use set, switch, lookup, fetch, notify and the like only.",
        "on_hangup leads to a play",
    ),
    "S803": Code(
        "a reason that reaches nobody: the caller is answered",
        "Take `reason` away, or hang up before anything answers.",
        "reason: busy behind a play",
        "warning",
    ),
    # -- limits --------------------------------------------------------------------------------------------------------
    "S901": Code(
        "limits that do not even allow for the shortest way",
        "Raise the limit named.",
        "limits: {steps: 2} and four nodes to the first end",
    ),
    "S902": Code(
        "limits that cut short a caller who does nothing wrong",
        "Raise the limit named, or shorten the way.",
        "the longest way takes 400 s, limits: {duration_s: 300}",
        "warning",
    ),
}
