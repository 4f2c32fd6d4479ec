# SPDX-License-Identifier: Apache-2.0
"""Finds the functions of a C++ file and their lengths, without a compiler: tokens, braces and a few rules of grammar.

A function's length counts from the first line of its declaration to the line of its closing brace. Lambdas at namespace
scope count as functions, those inside of a function count with it. Of #if branches only the first one is read.
"""
import collections
import re

Function = collections.namedtuple("Function", "name line length")
Token = collections.namedtuple("Token", "text line")

TOKEN = re.compile(
    r'(?P<comment>//(?:\\\n|[^\n])*|/\*.*?\*/)'
    r'|(?P<raw>(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)")'
    r'|(?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*")'
    r"|(?P<char>(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')"
    r"|(?P<directive>^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*)"
    r"|(?P<number>\d(?:'?[\w.])*)"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<sign>::|->|<=>|&&|\|\||[-+*/%^&|!=<>]=|\+\+|--|[^\s\w])",
    re.DOTALL | re.MULTILINE)
TYPES = {"class", "struct", "union"}
BEFORE_BODY = {")", "const", "noexcept", "override", "final", "&", "&&", "mutable", "try"}


def tokens_of(text):
    """The tokens that matter, each with its line; a string is one token '""'."""
    dropped = 0  # depth inside of #else and #elif branches, which are not read
    depth = []
    for match in TOKEN.finditer(text):
        kind = match.lastgroup if match.lastgroup != "delimiter" else "raw"
        line = text.count("\n", 0, match.start()) + 1
        if kind == "directive":
            word = re.match(r"\s*#\s*(\w*)", match.group()).group(1)
            if word in ("if", "ifdef", "ifndef"):
                depth.append(False)
            elif word in ("else", "elif") and depth and not depth[-1]:
                depth[-1] = True
                dropped += 1
            elif word == "endif" and depth:
                dropped -= depth.pop()
        elif kind != "comment" and not dropped:
            yield Token('""' if kind in ("raw", "string") else match.group(), line)


def without_template(statement):
    """The statement without its leading template<...> heads and [[attributes]]."""
    while statement and statement[0].text in ("template", "["):
        opening, closing = ("<", ">") if statement[0].text == "template" else ("[", "]")
        level = 0
        for index, token in enumerate(statement):
            level += (token.text == opening) - (token.text == closing)
            if level == 0 and token.text == closing:
                break
        else:
            return statement
        statement = statement[index + 1:]
    return statement


def top_level(statement):
    """The words of a statement that stand in no parentheses or brackets; each group is one '()'."""
    level, out = 0, []
    for token in statement:
        if token.text in "([":
            level += 1
            if level == 1:
                out.append(token.text + "")
        elif token.text in ")]":
            level -= 1
            if level == 0:
                out.append(token.text)
        elif level == 0:
            out.append(token.text)
    return out


def is_function(statement):
    """Whether the brace that follows this statement opens a function's body."""
    words = top_level(statement)
    if "(" not in words and not ("[" in words and "=" in words):
        return False
    last = words[-1]
    after_parameters = words[words.index(")") + 1:] if ")" in words else []
    if "=" in words and "operator" not in words:
        return "[" in words and (last in BEFORE_BODY or last == "]" or "->" in words)
    if last in BEFORE_BODY:
        return True
    if ":" in after_parameters:  # a constructor's initialisers: a{1}, b(2) and then the body
        return last in (")", "}")
    return "->" in after_parameters or "requires" in words


def name_of(statement):
    """The name before the parameter list."""
    for index, token in enumerate(statement):
        if token.text == "(" and index:
            first = index - 1
            if statement[first].text == "]" and statement[0].text != "operator":
                return "lambda"
            if first and statement[first - 1].text == "operator":
                first -= 1
            while first >= 2 and statement[first - 1].text in ("::", "~"):
                first -= 1 if statement[first - 1].text == "~" else 2
            return "".join(token.text for token in statement[first:index])
    return "lambda"


def opens_scope(statement):
    """Whether the brace opens a namespace, a class or a linkage block, whose members are declarations."""
    words = [token.text for token in statement]
    if "namespace" in words or words == ["extern", '""']:
        return True
    return bool(TYPES & set(top_level(statement))) and "enum" not in words and words[-1] != ")" and "=" not in words


def closing_brace(tokens, index):
    """The index of the brace that closes the one at index."""
    level = 0
    for position in range(index, len(tokens)):
        level += (tokens[position].text == "{") - (tokens[position].text == "}")
        if level == 0:
            return position
    return len(tokens) - 1


def functions(text):
    """Every function with a body, in the order of the file."""
    tokens = list(tokens_of(text))
    statement, parens, index, found = [], 0, 0, []
    while index < len(tokens):
        token = tokens[index]
        parens += (token.text in "([") - (token.text in ")]")
        if token.text == "{":
            declaration = without_template(statement)
            if parens == 0 and declaration and is_function(declaration) and not opens_scope(declaration):
                end = closing_brace(tokens, index)
                first = statement[0].line
                found.append(Function(name_of(declaration), first, tokens[end].line - first + 1))
                statement, index = [], end
            elif parens == 0 and opens_scope(declaration):
                statement = []
            else:  # an initialiser: one token of its statement
                end = closing_brace(tokens, index)
                statement.append(Token("}", tokens[end].line))
                index = end
        elif parens == 0 and token.text in ";}":
            statement = []
        elif parens == 0 and token.text == ":" and [word.text for word in statement] in (
                ["public"], ["private"], ["protected"]):
            statement = []
        else:
            statement.append(token)
        index += 1
    return found
