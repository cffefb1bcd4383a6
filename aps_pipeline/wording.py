"""Numbers that agree with their nouns."""


def count_of(number: int, noun: str) -> str:
    """Write a number with its noun: `1 call`, `2,000 calls`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
