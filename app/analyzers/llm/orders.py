"""What talks to a model instead of telling about its writer: it proves nothing, and what stands around it neither.

The guard against injected orders is not here: it is that nothing a model says counts unless the person said it. This
closes the gap that is left, an order in the person's own text that is quoted as if they meant it. Rather too much is
taken for an order than too little: that costs one passage among many.
"""

from __future__ import annotations

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_AI = r"(?:ais?|llms?|(?:large )?language models?|(?:ai |helpful )assistants?|chat ?bots?|(?:chat)?gpt|claude|gemini)"
_MODEL = rf"(?:{_AI}|assistants?|models?|automated \w+|algorithms?|parsers?)"
#: Where a sentence begins, with what may stand before its verb.
_START = r"(?:^|[.!?:;,…\]>\"“”(]|\n)\s{0,4}(?:(?:please|now|then|and|simply|just|first|finally),? ){0,3}"
_SET_ASIDE = (
    r"(?:ignor(?:e|iere?n?|ez|a)|disregard|forget|override|bypass|vergiss|vergesst|oublie[zr]?|olvida|dimentica|"
    r"esque[cç]a)"
)
_WHAT_WAS_SAID = (
    r"(?:instruc\w+|instruç\w+|istruzion\w+|anweisung\w*|prompts?\b|rules?\b|guidelines?\b|directives?\b|filters?\b|"
    r"previous|above|prior\b|schema|the user\b|you were told|being harmless|vorherig\w*|bisherig\w*)"
)
_FOR = r"(?:report|answer|respond|reply|say|call|describe|praise|list|output|write|act|find)"

#: Talk to a model, after which nothing of the same paragraph is believed.
_COMMAND = _any(
    rf"\b{_SET_ASIDE}\b.{{0,60}}?{_WHAT_WAS_SAID}",
    rf"{_START}{_SET_ASIDE} (?:everything|all|alles|tout|todo|tutto|tudo|what)\b",
    r"\b(?:system|developer) (?:prompt|message|instruction)|\bnew instructions?\b|\bfollow the instructions\b",
    r"\b(?:admin|developer|debug|dan|god|root|sudo) mode\b|\bmode enabled\b|\bjailbr(?:eak|oken)|\bai injection\b",
    # Chat templates, forged roles, forged marks of ours, answers written out beforehand.
    r"<\|?/?(?:im_start|im_end|system|endoftext|document|script|img)|<!--|\[/?inst\]|<</?sys>>",
    r"\[(?:P|X[^\]\n]{0,40})\]|\{\{|\}\}|\{\s{0,4}\"[^\"\n]{1,40}\"\s{0,4}:",
    r"(?:^|\n)\W{0,6}(?:system|assistant|instructions?|user|prompt|output) ?:",
    # Somebody who reads this and is no person.
    rf"\bas an? {_AI}\b|\byou(?: are|['’]re) (?:now\b|an? {_AI}\b|the system\b)|,? ai[!.?]{{0,3}}$",  # noqa: RUF001 - the curly apostrophe is meant
    rf"\b(?:dear|hey|hello|hi|attention|listen|(?:note|message|instructions?) (?:to|for))\W{{1,3}}"
    rf"(?:(?:the|an?|any|all|your) )?{_MODEL}\b|\bto (?:the|any|every) {_MODEL} (?:read|process|analy)",
    rf"\b(?:the|every) (?:assistant|ai|llm|language model) (?:should|must|shall|has to|is to)\b|\bif you are {_AI}\b",
    # What an answer is to be.
    r"\b(?:report|add|return|output|emit|(?:respond|answer|reply) (?:only )?with)\b.{0,60}?"
    r"\b(?:trait|finding|json|quote|fact)s?\b",
    r"\b(?:quote|cite) (?:the|this|that|my) (?:sentence|line|words)|\bset affirmed\b|\bscore this\b|\bhidden text\b",
    rf"\byour (?:(?:new|real|only|main|first) )?(?:task|job|goal|role|instructions?) (?:is|are) (?:now )?to {_FOR}\b",
    r"\bthe (?:real|actual|following|previous|next|true) (?:task|prompt|instruction)s?\b|\boverrides? the\b",
    rf"\bfrom now on,? you\b|\b(?:i want|i['’]d like|i need) you to (?:pretend|behave|{_FOR})\b",  # noqa: RUF001 - as above
    r"\bpretend (?:that )?you(?: are|['’]re| were)\b|\bi(?: am|['’]m) going to act as\b",  # noqa: RUF001 - as above
    r"\bi am to be (?:described|rated|scored|called)\b",
    rf"{_START}act as (?:an?|the|my|if)\b|{_START}repeat (?:after me|exactly|the following|this)\b",
    rf"(?:{_START}|\band )(?:respond|reply|answer) (?:only |to \w+ )?(?:with|without|in the|anything|as)\b",
    rf"{_START}(?:do not|don['’]t|never) (?:print|output|analy[sz]e|summari[sz]e|break character|write explanations)",  # noqa: RUF001 - as above
)
#: A sentence that asks its reader for work shows nothing about its writer.
_REQUEST = _any(
    rf"{_START}(?:(?:can|could|would|will) you\b|(?:translate|summari[sz]e|explain|draft|write|generate|rewrite|"
    r"replace|print|pretend|classify|convert|calculate|provide|compose|paraphrase|suggest|fetch|decode|execute|evaluate|"
    r"display|log|output|return|find|use|access) (?:me |an? |the |this |that |it |all |every|letters|in |to |with |"
    r"some |your |about |python |and |what |contents )|(?:without )?print(?:ing)?\b|give me (?:json|code)\b|"
    r"if a user\b)",
    rf"{_START}(?:translate|summari[sz]e|calculate|decode|execute|evaluate|run) ?:",
    r"\bwhat is the (?:final |exact )?(?:result|output|sum) of\b",
)
#: The same of a question that is not about its writer: "What is the capital of Brazil?"
_QUESTION = re.compile(
    r"(?is)\W*(?:what|who|where|when|which|how) (?:is|are|was|were|do|does|did|many|much)\b[^?]*\?\W*"
)
FIRST_PERSON = re.compile(r"\b(?:i|my|mine|myself|we|our|ours|ourselves)\b", re.IGNORECASE)


def commands(text: str) -> bool:
    """Whether somewhere in it a model is told what to do or to answer."""
    return _COMMAND.search(text) is not None


def asks(text: str) -> bool:
    """Whether its reader is asked for work, or for what has nothing to do with its writer."""
    return _REQUEST.search(text) is not None or (
        _QUESTION.fullmatch(text) is not None and not FIRST_PERSON.search(text)
    )
