"""Writes seqeval.json: tag sequences, and the scores seqeval gives them by default and in its strict IOB2 mode.

pip install seqeval==1.2.2 && python test/golden/make-seqeval.py
"""

import json
import pathlib
import random
import warnings

from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

warnings.filterwarnings("ignore")
TYPES = ["LOC", "MISC", "ORG", "PER"]
random.seed(7)


def sequence(length, strays):
    """Random tags; with probability `strays` an I- may follow anything."""
    tags, previous = [], None
    for _ in range(length):
        if previous and random.random() < 0.4:
            tags.append("I-" + previous)
        elif random.random() < 0.5:
            tags.append("O")
            previous = None
        else:
            previous = random.choice(TYPES)
            tags.append(("I-" if random.random() < strays else "B-") + previous)
    return tags


def noisy(tags, strays):
    kept = [tag if random.random() < 0.75 else None for tag in tags]
    return [tag or new for tag, new in zip(kept, sequence(len(tags), strays))]


def scores(gold, predicted, **mode):
    report = classification_report(gold, predicted, output_dict=True, zero_division=0, **mode)
    pick = lambda row: {k.replace("-score", ""): float(row[k]) for k in ("precision", "recall", "f1-score")} | {
        "support": int(row["support"])
    }
    return {"micro": pick(report["micro avg"]), "types": {t: pick(report[t]) for t in report if " " not in t}}


def case(name, gold, predicted):
    return {
        "name": name,
        "gold": gold,
        "predicted": predicted,
        "lenient": scores(gold, predicted),
        "strict": scores(gold, predicted, mode="strict", scheme=IOB2),
    }


def random_case(name, posts, strays):
    gold = [sequence(random.randint(1, 12), strays) for _ in range(posts)]
    return case(name, gold, [noisy(tags, strays) for tags in gold])


CASES = [
    random_case("legal tags", 25, 0),
    random_case("some stray I-", 25, 0.3),
    random_case("nearly all I-", 25, 0.9),
    case("a mention to the last word", [["O", "B-PER", "I-PER"]], [["O", "B-PER", "I-PER"]]),
    case("I- of another type inside", [["B-PER", "I-LOC", "I-PER"]], [["B-PER", "B-LOC", "I-PER"]]),
    case("nothing predicted", [["B-PER", "O"]], [["O", "O"]]),
    case("two mentions that touch", [["B-ORG", "B-ORG", "I-ORG"]], [["B-ORG", "I-ORG", "I-ORG"]]),
]

out = pathlib.Path(__file__).with_name("seqeval.json")
out.write_text("[\n" + ",\n".join(json.dumps(c) for c in CASES) + "\n]\n")
