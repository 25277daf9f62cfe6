"""Small templates that probe where an engine may differ from Jinja2 as transformers sets it up.

Read by make_chat_fixtures.py, which renders them. They are grouped by topic; a probe is a template, or a template with the
name of its conversation, its arguments, or its date.
"""
import re

CONVERSATIONS = {
    "three": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": " Hello <b>\"you\"</b> & 'me'. \n"},
        {"role": "assistant", "content": "Hi \u00e9\u4f60\U0001f600."},
    ],
    "one": [{"role": "user", "content": "Hello."}],
    "extra": [
        {"role": "user", "content": "Hello.", "name": "ann", "items": "mine", "number": 1, "ratio": 1.0, "yes": True},
        {"role": "assistant", "content": [{"type": "text", "text": "Hi."}, {"type": "image"}], "tool_calls": []},
        {"role": "assistant", "content": None, "name": "Bob"},
    ],
}
DATE = "2025-07-04"
TOOL = {
    "type": "function",
    "function": {
        "name": "add", "description": "Adds <two> numbers & more.",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "number"}}, "required": ["a"]},
    },
}
# Values that arguments bring in: some types cannot be written in a template.
VALUES = {
    "nothing": None, "yes": True, "no": False, "one": 1, "whole": 1.0, "half": 0.5, "big": 2**70, "large": 1e20, "small": 1e-5,
    "texts": ["b", "a", "C", "a"], "numbers": [3, 1, 2], "empty": [], "table": {"b": 1, "A": 2, "c": {"d": [1, 2.0, None, True]}},
    "rows": [{"name": "x", "n": 2, "tags": ["p", "q"]}, {"name": "Y", "n": 1}, {"name": "z", "n": None}],
    "quotes": ["a", "it's", 'say "x"', "both ' and \"", "line\nnext", "tab\t", "back\\slash", "\u00e9", "\u200b", "\x1c", "\U0001f600"],
    "html": "<b>a & b</b> 'x' \"y\"", "spaced": " \n\x1c\x1f\u00a0\u2003 Hi. \n", "text": "Hello, World",
}

TOPICS = {
    "printing": """
{{ none }} {{ None }} {{ true }} {{ True }} {{ false }} {{ False }}
{{ 1.0 }} {{ 1e20 }} {{ 1e16 }} {{ 1e15 }} {{ 0.1 }} {{ 1e-5 }} {{ 0.0001 }} {{ -0.0 }} {{ 100.0 }} {{ 1/3 }} {{ 1.5e300 * 1e300 }}
{{ 1_000 }} {{ 0x10 }} {{ 0b11 }} {{ 0o17 }} {{ 2**70 }} {{ 12345678901234567890 }} {{ 9223372036854775807 + 1 }}
{{ [] }} {{ {} }} {{ () }} {{ (1,) }} {{ (1, 'a') }} {{ [1, 'a', none, true, 1.0] }} {{ {'a': 1, 'b': [none, {'c': 'd'}]} }}
{{ {'a': {'b': 1}} }}{{ {1: 'x', none: 2, true: 3} }}
{{ nothing }} {{ yes }} {{ whole }} {{ half }} {{ big }} {{ large }} {{ small }}
{{ texts }} {{ table }} {{ rows }}
{{ quotes }}
{% for q in quotes %}[{{ q }}]{% endfor %}
{{ messages }}
{{ messages[0] }} {{ messages | length }}
{{ 'a' }}{{ "b" }} {{ 'it\\'s' }} {{ "say \\"x\\"" }} {{ '\\n|\\t|\\x41|\\u00e9|\\u2003|\\101|\\d|\\\\' }}
{{ 'a' 'b' "c" }}
{{ ['one ' 'two', 3] }}
{{ '\u00e9\U0001f600' }} {{ ['\u00e9\U0001f600'] }}
{{ range(3) }} {{ range(1, 7, 2) | list }} {{ range(3, 0, -1) | list }}
{{ html }}
{{ '{{' }} {{ '}}' }} {{ '{%' }} {{ "#}" }}
{{ {'a': 1}.keys() }} {{ {'a': 1}.values() }} {{ {'a': 1}.items() }}
""",
    "undefined": """
[{{ unknown }}]
{{ unknown.attribute }}
{{ messages[0].unknown }}|{{ messages[0]['unknown'] }}
{{ messages[0].unknown.deeper }}
{{ unknown.a is defined }}
{{ unknown + 1 }}
{{ unknown ~ 'a' }}
{{ 'a' + unknown }}
{{ unknown == none }} {{ unknown == unknown }} {{ unknown == '' }} {{ unknown != 1 }}
{{ unknown < 1 }}
{{ unknown is none }} {{ unknown is not none }} {{ unknown is defined }} {{ unknown is undefined }}
{{ unknown is string }} {{ unknown is mapping }} {{ unknown is iterable }} {{ unknown is sequence }} {{ unknown is number }}
{{ unknown is false }} {{ unknown is true }} {{ unknown is boolean }} {{ unknown is in [1] }}
{{ 'x' in unknown }}
{{ unknown in ['x'] }} {{ unknown not in 'x' if false else 'skipped' }}
{{ unknown in 'x' }}
{% if unknown %}yes{% else %}no{% endif %} {{ not unknown }} {{ unknown or 'other' }} {{ unknown and 1 }}
{% for x in unknown %}x{% else %}none{% endfor %}
{{ unknown | length }} {{ unknown | list }} {{ unknown | string }}| {{ unknown | upper }}| {{ unknown | trim }}| {{ unknown | join(',') }}|
{{ unknown | int }} {{ unknown | float }}
{{ unknown | default('x') }} {{ unknown | d('y') }} {{ unknown | default }}|
{{ unknown.a | default('x') }}
{{ messages[0].unknown | default('x') }} {{ messages[0].a | default('x', true) }}
{{ unknown | tojson }}
{{ unknown[0] }}
{{ unknown() }}
{{ unknown.strip() }}
{{ unknown | first }}| {{ unknown | items | list }}
{{ messages[9] }}|{{ messages[9] is defined }}
{{ messages[9].role }}
{{ [1, 2][5] }}|{{ 'abc'[7] }}|{{ {'a': 1}['b'] }}|{{ {'a': 1}.b }}|
{{ ('a' if false) }}|{{ ('a' if false) is defined }}
{{ ('a' if false) ~ 'b' }}
{{ ('a' if false) + 'b' }}
{{ unknown ** 2 }}
{{ -unknown }}
{{ [unknown] }} {{ {'a': unknown} }}
{{ unknown | upper | default('x') }}|
{{ none.attribute }}|
{{ none.attribute.deeper }}
{{ none | default('x') }} {{ none | default('x', true) }} {{ '' | default('x') }} {{ '' | default('x', true) }} {{ 0 | default(1, boolean=true) }}
{{ bos_token }}{{ eos_token }}[{{ pad_token }}]{{ pad_token is defined }}
{{ tools is none }} {{ tools is defined }} {{ documents is none }} {{ tools }} {{ not tools }} {{ add_generation_prompt }}
{{ tools is not none and tools | length > 0 }}
{% for tool in tools %}x{% endfor %}
{{ tools | length }}
{{ tools | default([]) }} {{ tools | default([], true) }} {{ tools or [] }}
""",
    "tests": """
{{ 'a' is string }} {{ 1 is string }} {{ none is string }} {{ [] is string }}
{{ 'a' is sequence }} {{ [] is sequence }} {{ {} is sequence }} {{ 1 is sequence }} {{ () is sequence }} {{ range(2) is sequence }}
{{ 'a' is iterable }} {{ [] is iterable }} {{ {} is iterable }} {{ 1 is iterable }} {{ none is iterable }}
{{ {} is mapping }} {{ [] is mapping }} {{ 'a' is mapping }} {{ messages[0] is mapping }} {{ namespace() is mapping }}
{{ true is boolean }} {{ 1 is boolean }} {{ none is boolean }} {{ yes is boolean }}
{{ 1 is integer }} {{ 1.0 is integer }} {{ true is integer }} {{ big is integer }} {{ '1' is integer }}
{{ 1.0 is float }} {{ 1 is float }} {{ whole is float }} {{ true is float }}
{{ 1 is number }} {{ 1.5 is number }} {{ true is number }} {{ '1' is number }} {{ none is number }}
{{ true is true }} {{ 1 is true }} {{ 'a' is true }} {{ false is false }} {{ 0 is false }} {{ none is false }} {{ no is false }} {{ yes is true }}
{{ none is none }} {{ nothing is none }} {{ 0 is none }} {{ '' is none }}
{{ 1 is sameas 1 }} {{ true is sameas true }} {{ true is sameas(1) }} {{ none is sameas none }} {{ nothing is sameas none }}
{{ 1 is in [1, 2] }} {{ 'a' is in 'abc' }} {{ 3 is not in [1] }} {{ 'a' is in({'a': 1}) }}
{{ 1 is eq 1 }} {{ 1 is equalto 1.0 }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 2 is ge(2) }} {{ 3 is greaterthan 2 }} {{ 1 is == 1 }}
{{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ -3 is odd }}
{{ 'abc' is lower }} {{ 'ABC' is upper }} {{ 'aB' is lower }}
{{ raise_exception is callable }} {{ messages is callable }} {{ messages[0].items is callable }} {{ 'a'.upper is callable }}
{{ 'trim' is filter }} {{ 'nonsense' is filter }} {{ 'string' is test }} {{ 'nonsense' is test }} {{ 'tojson' is filter }}
{{ not 1 is string }} {{ 1 is not string }} {{ not (1 is string) and true }}
{{ 1 is defined and 2 is number }} {{ (1, 2) is sequence and not (1, 2) is mapping }}
{{ messages is sequence }} {{ messages is iterable and messages is not string and messages is not mapping }}
{{ 1 is nonsense }}
{{ strftime_now is defined }} {{ raise_exception is defined }} {{ lipsum is defined }} {{ range is defined }} {{ namespace is defined }} {{ self is defined }} {{ loop is defined }}
""",
    "operators": """
{{ 7 / 2 }} {{ 6 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7.5 // 2 }} {{ 7.5 % 2 }} {{ 6 // 2.0 }}
{{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 0.5 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 2.0 ** 2 }}
{{ 1 / 0 }}
{{ 1 % 0 }}
{{ 'a' * 3 }} {{ 3 * 'ab' }} {{ [1] * 2 }} {{ 'a' * 0 }}| {{ 'a' * -1 }}|
{{ 'a' + 'b' }} {{ [1] + [2] }} {{ (1,) + (2,) }} {{ 1 + 1.5 }} {{ 1 + true }} {{ true + true }}
{{ 'a' + 1 }}
{{ 1 + 'a' }}
{{ none + 'a' }}
{{ 'a' + none }}
{{ [1] + (2,) }}
{{ {} + {} }}
{{ 'a' - 'b' }}
{{ 'a' ~ none ~ 1 ~ 1.0 ~ true ~ [1] ~ {'a': 'b'} }}
{{ 1 ~ 2 * 3 }} {{ 'a' ~ 'b' + 'c' }} {{ 'a' + 'b' ~ 1 }} {{ 1 + 2 ~ '' if false else 'skipped' }}
{{ 1 + 2 ~ 3 }}
{{ 'a' ~ 1 | string ~ 'b' | upper }}
{{ '%s and %s' % ('a', 1) }} {{ '%s' % none }} {{ '%d' % 3.7 }} {{ '%.2f' % 1.5 }} {{ '%5s|%-5s|%05d' % ('a', 'b', 42) }} {{ '100%%' % () }}
{{ '%(a)s' % {'a': 1} }} {{ '%x %o %e %g' % (255, 8, 1234.5, 0.0001) }} {{ '%r' % 'a' }} {{ '%s' % [1] }} {{ '%c' % 'x' }}
{{ '%s' % ('a', 'b') }}
{{ '%d' % 'a' }}
{{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ 1 < 3 > 2 }} {{ 1 == 1.0 == true }} {{ 1 < 2 == true }}
{{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 'a' < 'B' }} {{ (1, 'a') < (1, 'b') }}
{{ 1 < 'a' }}
{{ none < 1 }}
{{ 1 == true }} {{ 0 == false }} {{ '1' == 1 }} {{ none == false }} {{ '' == none }} {{ [] == () }} {{ {'a': 1} == {'a': 1.0} }} {{ 'a' != 'b' }}
{{ 'b' in 'abc' }} {{ 'a' in ['a'] }} {{ 'a' in {'a': 1} }} {{ 1 in [1.0] }} {{ '' in 'abc' }} {{ 2 not in [1] }} {{ not 2 in [1] }} {{ none in [none] }}
{{ 1 in 'abc' }}
{{ 1 in 2 }}
{{ '' or 'x' }} {{ 'a' and 'b' }} {{ 0 or none }} {{ none and 1 }} {{ [] or {} }} {{ 1 and 0 or 2 }} {{ not '' }} {{ not none and not 0 }}
{{ not true == false }} {{ (not true) == false }} {{ not 1 > 2 }}
{{ 'a' if true else 'b' if true else 'c' }} {{ 'a' if '' else 'b' if [] else 'c' }} {{ ('x' if none) }}|
{{ -1 | abs }} {{ -(1) | abs }} {{ +1 }} {{ - 1 }} {{ 2 - -1 }} {{ 1 - 1 | int }}
{{ 1 + 2 | string | length }} {{ (1 + 2) | string }} {{ 3 * 2 | float }}
{{ 10 | string + '5' }}
{{ true and 'yes' }} {{ true | string | lower }} {{ (messages | length > 2) | string }}
{{ messages | length - 1 }} {{ messages|length-1 }} {{ messages | length // 2 }}
{{ 'a' is string and 'b' or 'c' }} {{ 1 if 'a' is string else 2 }}
{{ 5 is odd == true }}
{{ [1, 2,] }} {{ {'a': 1,} }} {{ dict(a=1, b='x') }} {{ dict([('a', 1)]) }} {{ dict({'a': 1}, b=2) }}
{{ 1 if }}
{{ 1 & 2 }}
{{ a = 1 }}
{{ [x for x in [1]] }}
{{ lambda: 1 }}
""",
    "indexing": """
{{ [1, 2, 3][::-1] }} {{ [1, 2, 3][-2:] }} {{ [1, 2, 3][5:] }} {{ [1, 2, 3][:-1] }} {{ [1, 2, 3, 4][::2] }} {{ [1, 2, 3, 4][3:0:-1] }} {{ [1, 2, 3][-1:-3:-1] }}
{{ 'abc'[::-1] }} {{ 'abc'[1:] }} {{ 'abc'[-1] }} {{ 'abc'[0] }} {{ 'a\u00e9\U0001f600b'[1:3] }} {{ 'a\u00e9\U0001f600b'[::-1] }} {{ 'abc'[:9] }}|{{ 'abc'[2:1] }}|
{{ (1, 2, 3)[1:] }} {{ range(5)[2:] | list }} {{ range(5)[-1] }}
{{ messages[-1].role }} {{ messages[-1]['role'] }} {{ messages[1:][0].role }} {{ messages[::-1][0]['role'] }} {{ messages[-1:] | length }}
{{ messages[:][0].role }} {{ messages[1:-1] | map(attribute='role') | list }} {{ messages[none:1] | length }}
{{ [1, 2, 3][::0] }}
{{ [1, 2, 3].0 }} {{ [[1, 2], [3]].0.1 }} {{ messages.0.role }} {{ messages.1['role'] }}
{{ [1, 2]['0'] }}|
{{ [1, 2][1.0] }}|
{{ [1, 2][true] }}
{{ table.b }} {{ table['A'] }} {{ table.c.d[1] }} {{ table['c']['d'][-1] }} {{ table.get('x') }} {{ table.get('x', 'd') }} {{ table.get('b') }}
{{ {'items': 1}['items'] }} {{ {'items': 1}.items is callable }} {{ {'a': 1, 'get': 2}['get'] }} {{ {'get': 2, 'a': 1}.get('a') }}
{{ {'keys': 5}.keys is number }} {{ {'values': 5}['values'] is number }}
{{ {1: 'a'}[1] }} {{ {'1': 'a'}['1'] }} {{ {1: 'a'}['1'] }}| {{ {true: 'a'}[1] }} {{ {1.0: 'b'}[1] }}
{{ {'a': 1}[['b']] }}
{{ {['a']: 1} }}
{{ messages[0]['ro' ~ 'le'] }} {% set key = 'content' %}{{ messages[0][key] }}
""",
    "strings": """
{{ spaced.strip() | tojson }} {{ spaced.lstrip() | tojson }} {{ spaced.rstrip() | tojson }} {{ spaced | trim | tojson }}
{{ 'xxaxx'.strip('x') }} {{ 'xyaxy'.lstrip('yx') }} {{ 'abcabc'.rstrip('cb') }} {{ '\\n\\na\\n'.lstrip('\\n') | tojson }} {{ ' a '.strip(none) }}|
{{ '\u200b\ufeffa\u2060'.strip() | tojson }} {{ '\\x85a\\x0b\\x0c'.strip() | tojson }} {{ '\u180ea\u3000\u2028'.strip() | tojson }}
{{ 'a b  c'.split() }} {{ ' a  b '.split() }} {{ 'a,b,,c'.split(',') }} {{ ''.split() }} {{ ''.split(',') }} {{ ' a  b '.split(' ') }}
{{ 'a b c d'.split(' ', 1) }} {{ 'a b c d'.split(maxsplit=2) }} {{ 'a b c'.split(none, 1) }} {{ 'a b c'.split(sep=' ') }} {{ ' a  b c '.split(none, 1) }}
{{ 'a,b,c'.rsplit(',', 1) }} {{ 'a b c'.rsplit() }} {{ 'a b c'.rsplit(maxsplit=1) }}
{{ 'a</think>b</think>c'.split('</think>')[-1] }} {{ 'a</think>b'.split('</think>', 1)[1] }} {{ 'abc'.split('</think>')[-1] }} {{ 'x'.split('')  }}
{{ 'a\\nb\\r\\nc\\x0bd\\x0ce\\x1cf\\x85g\u2028h'.splitlines() }} {{ 'a\\nb'.splitlines(true) }} {{ ''.splitlines() }} {{ 'a\\n'.splitlines() }}
{{ 'a-b-c'.partition('-') }} {{ 'a-b-c'.rpartition('-') }} {{ 'abc'.partition('-') }}
{{ 'hello wORLD'.title() }} {{ "it's o'neil".title() }} {{ 'hello wORLD'.capitalize() }} {{ 'ab'.upper() }} {{ 'AB'.lower() }} {{ 'aB'.swapcase() }} {{ 'SS\u00df'.casefold() }}
{{ '\u00df'.upper() }} {{ '\ufb01'.upper() }} {{ '\u0130'.lower() }} {{ '\u0391\u03a3'.lower() }} {{ '\u01c6x'.title() }} {{ '\u01c6X'.capitalize() }} {{ '\u00e9A'.capitalize() }}
{{ 'abc'.startswith('a') }} {{ 'abc'.startswith(('x', 'a')) }} {{ 'abc'.endswith('bc') }} {{ 'abc'.endswith(('x', 'c')) }} {{ 'abc'.startswith('b', 1) }} {{ 'abc'.startswith('') }}
{{ 'abc'.startswith(['a']) }}
{{ 'aaa'.replace('a', 'b') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'ab'.replace('', '-') }} {{ 'aaa'.replace('aa', 'b') }} {{ 'abc'.replace('x', 'y') }}
{{ 'abcabc'.find('c') }} {{ 'abc'.find('x') }} {{ 'abcabc'.rfind('c') }} {{ 'a\u00e9\U0001f600b'.find('b') }} {{ 'abcabc'.find('a', 1) }} {{ 'abc'.index('c') }} {{ 'abcabc'.count('bc') }}
{{ 'abc'.index('x') }}
{{ ', '.join(['a', 'b']) }} {{ ''.join(texts) }} {{ '-'.join('abc') }} {{ ','.join({'a': 1, 'b': 2}) }}
{{ ','.join([1, 2]) }}
{{ '{} {}'.format('a', 1) }} {{ '{0} {1} {0}'.format('a', 'b') }} {{ '{x}'.format(x=1) }} {{ '{:>5}|{:<5}|{:^5}|{:05d}|{:.2f}'.format('a', 'b', 'c', 42, 1.5) }} {{ '{{}}'.format() }}
{{ '{}'.format() }}
{{ '12'.isdigit() }} {{ '1.5'.isdigit() }} {{ ''.isdigit() }} {{ '\u00b2'.isdigit() }} {{ '\u00bd'.isnumeric() }} {{ '\u00b2'.isdecimal() }} {{ 'ab'.isalpha() }} {{ 'a1'.isalnum() }} {{ ' \u00a0'.isspace() }} {{ 'ab'.islower() }} {{ 'AB'.isupper() }} {{ 'Ab'.istitle() }} {{ 'a1'.isidentifier() }} {{ '\u00e9'.isascii() }}
{{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ '7'.zfill(3) }} {{ '-7'.zfill(4) }} {{ 'a'.center(5) }}| {{ 'a'.ljust(3) }}| {{ 'a'.rjust(3, '*') }} {{ 'a\\tb'.expandtabs(4) }}
{{ 'a'.encode() }}
{{ 'abc'.nonsense() }}
{{ 'abc'.nonsense }}|
{{ ''.__class__ }}|
{{ ''.__class__.__name__ }}
{{ (1).bit_length() }} {{ (1.5).is_integer() }}
{{ 'a' | upper ~ 'b' }} {{ text.upper() | lower }} {{ text.split(', ')[1].lower() }} {{ text[:5].upper() + '!' }}
""",
    "filters": """
{{ 'xxaxx' | trim('x') }} {{ '  a ' | trim }}| {{ 12 | trim }} {{ none | trim }} {{ [' a '] | trim }}
{{ text | upper }} {{ text | lower }} {{ text | title }} {{ "hello it's-me (ok) \u00e9a" | title }} {{ 'hELLO w' | capitalize }} {{ 1 | upper }} {{ none | lower }}
{{ text | length }} {{ text | count }} {{ [1, 2] | length }} {{ {'a': 1} | length }} {{ '\U0001f600' | length }} {{ 'e\u0301' | length }}
{{ 1 | length }}
{{ none | length }}
{{ [1, 2] | first }} {{ [1, 2] | last }} {{ 'abc' | first }} {{ 'abc' | last }} {{ [] | first }}| {{ {'a': 1, 'b': 2} | first }} {{ [] | last }}| {{ [] | first is defined }}
{{ [1, 2, none, true] | join(', ') }} {{ 'abc' | join('-') }} {{ [] | join }}| {{ {'a': 1, 'b': 2} | join(',') }} {{ rows | join(', ', attribute='name') }} {{ messages | map(attribute='role') | join(d='/') }}
{{ messages | map(attribute='role') | list }} {{ ['a'] | map('upper') | list }} {{ rows | map(attribute='tags', default='none') | list }} {{ rows | map(attribute='tags.0') | list }} {{ ['1', 'x'] | map('int', default=7) | list }} {{ [' a '] | map('trim') | list }}
{{ messages | map(attribute='role') | length }}
{{ messages | map('nonsense') | list }}
{{ [1, 2, 3] | select('odd') | list }} {{ [0, 1, '', 'a', none] | select | list }} {{ [1, 'a', none] | select('string') | list }} {{ [1, 2, 3] | reject('odd') | list }} {{ ['a', 'b'] | reject('equalto', 'a') | list }} {{ [1, 5] | select('gt', 2) | list }} {{ [1, 5] | select('>', 2) | list }} {{ ['a'] | select('in', ['a']) | list }}
{{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ messages | selectattr('role', 'eq', 'user') | map(attribute='content') | first | trim }} {{ messages | selectattr('role', '==', 'user') | list | length }} {{ rows | selectattr('tags') | map(attribute='name') | list }} {{ rows | selectattr('tags', 'defined') | list | length }} {{ rows | rejectattr('n') | map(attribute='name') | list }} {{ rows | rejectattr('n', 'none') | list | length }} {{ messages | rejectattr('role', 'in', ['system', 'user']) | list | length }} {{ rows | selectattr('tags.0', 'eq', 'p') | list | length }}
{{ (messages | selectattr('role', 'equalto', 'system') | list | last).content }} {{ (messages | selectattr('role', 'eq', 'tool') | list) == [] }}
{{ 'abc' | list }} {{ {'a': 1} | list }} {{ (1, 2) | list }} {{ range(2) | list }}
{{ 1 | list }}
{{ 1 | string + '2' }} {{ none | string }} {{ 1.0 | string }} {{ [1, 'a'] | string }} {{ true | string }}
{{ '3' | int + 1 }} {{ '3.7' | int }} {{ 'x' | int }} {{ 'x' | int(5) }} {{ '0x1f' | int(base=16) }} {{ 3.9 | int }} {{ -3.9 | int }} {{ true | int }} {{ none | int }} {{ ' 42 ' | int }} {{ '1e3' | int }} {{ '1_000' | int }} {{ '-0' | int }}
{{ '1.5' | float }} {{ 'x' | float }} {{ 1 | float }} {{ '1e3' | float }} {{ 'x' | float(2.5) }} {{ none | float }}
{{ 2.5 | round }} {{ 3.5 | round }} {{ 2.567 | round(2) }} {{ 2.1 | round(method='ceil') }} {{ 2.9 | round(0, 'floor') }} {{ 42.55 | round(1, 'floor') }} {{ 7 | round }} {{ -2.5 | round }} {{ 2.675 | round(2) }} {{ 1234.5 | round(-2) }} {{ 2.5 | round | int }}
{{ 'aaa' | replace('a', 'b') }} {{ 'aaa' | replace('a', 'b', 1) }} {{ 'a.b' | replace('.', '') }} {{ 'a' | replace('', '-') }} {{ 12 | replace('1', 'x') }} {{ 'aaa' | replace(old='a', new='c', count=2) }}
{{ 'a\\nb\\n\\nc' | indent }}|{{ 'a\\nb' | indent(2, true) }}|{{ 'a\\n\\nb' | indent(2, blank=true) }}|{{ 'a\\nb' | indent('> ') }}|{{ 'a\\n' | indent(1) }}|{{ 'a\\nb' | indent(width=1, first=true) }}
{{ texts | unique | list }} {{ ['a', 'A', 'b'] | unique | list }} {{ ['a', 'A'] | unique(true) | list }} {{ rows | unique(attribute='n') | list | length }} {{ [1, 1.0, true, '1'] | unique | list }}
{{ texts | sort }} {{ numbers | sort(reverse=true) }} {{ ['b', 'A', 'a', 'B'] | sort }} {{ ['b', 'A', 'a', 'B'] | sort(case_sensitive=true) }} {{ rows | selectattr('n') | sort(attribute='n') | map(attribute='name') | list }} {{ {'b': 1, 'a': 2} | sort }} {{ [[2, 'a'], [1, 'b']] | sort }}
{{ [1, 'a'] | sort }}
{{ [3, 1] | reverse | list }} {{ 'abc' | reverse }} {{ messages | reverse | map(attribute='role') | list }} {{ (1, 2) | reverse | list }}
{{ messages | tojson }}
{{ html | tojson }} {{ 'a/b \u00e9\u4f60\U0001f600 \\x7f \\x1c \u2028' | tojson }} {{ 'q" b\\\\ n\\n t\\t' | tojson }} {{ 'a' | tojson | safe }}
{{ html | tojson(ensure_ascii=true) }} {{ '\u00e9\U0001f600\\x7f' | tojson(ensure_ascii=true) }}
{{ none | tojson }} {{ true | tojson }} {{ 1.0 | tojson }} {{ 1e20 | tojson }} {{ 1e16 | tojson }} {{ 0.1 | tojson }} {{ small | tojson }} {{ big | tojson }} {{ [] | tojson }} {{ {} | tojson }} {{ (1, 2) | tojson }} {{ 1e400 | tojson }} {{ -0.0 | tojson }} {{ 100.0 | tojson }} {{ 123456789.123 | tojson }}
{{ table | tojson }} {{ table | tojson(sort_keys=true) }} {{ table | tojson(separators=(',', ':')) }} {{ {1: 'a', none: 2, true: 3, 1.5: 4} | tojson }}
{{ table | tojson(indent=4) }}|{{ table | tojson(indent=2, sort_keys=true) }}|{{ [] | tojson(indent=4) }}|{{ [[], {}, [[]], {'a': {}}] | tojson(indent=2) }}|{{ [1] | tojson(indent=0) }}|{{ [1] | tojson(indent='--') }}|{{ [1, 2] | tojson(indent=none) }}|{{ {'a': [1, 2]} | tojson(2) }}
{{ {'a': [1, 2], 'b': 'x'} | tojson(indent=2, separators=(',', ': ')) }} {{ {'a': 1, 'b': [1, 2]} | tojson(separators=[', ', '=']) }}
{{ range(3) | tojson }}
{{ {'a': 1}.items() | tojson }}
{{ messages | map(attribute='role') | tojson }}
{% for k, v in table | items %}{{ k }}={{ v }};{% endfor %} {{ table | items | list | length }} {{ {} | items | list }}
{{ [1] | items | list }}
{{ table | dictsort }} {{ table | dictsort(true) }} {{ {'b': 1, 'a': 2, 'C': 0} | dictsort }} {{ {'b': 1, 'a': 2} | dictsort(by='value') }} {{ {'b': 1, 'a': 2} | dictsort(false, 'value', true) }} {{ {'b': 1, 'a': 2} | dictsort(reverse=true) }}
{{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3] | batch(2, 'x') | list }} {{ [1, 2, 3, 4, 5] | slice(2) | list }} {{ [1, 2, 3] | slice(2, 'x') | list }}
{{ 'Hello big world' | truncate(9) }} {{ 'Hello big world' | truncate(9, true) }} {{ 'Hello big world' | truncate(9, true, '') }} {{ 'Hello' | truncate(5) }} {{ 'Hello big world' | truncate(9, false, '', 0) }} {{ 'Hello world' | truncate(10) }}
{{ 'one two, three-four' | wordcount }} {{ 'aaa bbb ccc' | wordwrap(7) }} {{ 'a' | center(5) }}| {{ '<b>x</b> y' | striptags }} {{ 1000000 | filesizeformat }} {{ 'a b/c?\u00e9' | urlencode }} {{ {'a': 'b c'} | urlencode }}
{{ html | e }} {{ html | escape }} {{ html | safe }} {{ html | forceescape }} {{ ('<' | e) + '>' }} {{ ('<' | safe) + '>' }} {{ ('<' | e) ~ '>' }} {{ '<' | e | length }} {{ html | e | e }} {{ 1 | e }}
{{ '%s is %s' | format('a', 1) }} {{ '%s' | format('x') }} {{ '%(a)s' | format(a=1) }} {{ '%05.1f' | format(2.25) }}
{{ -1 | abs }} {{ -1.5 | abs }} {{ 'a' | abs if false else 'skipped' }}
{{ [1, 2] | sum }} {{ rows[:2] | sum(attribute='n') }} {{ [1, 2] | sum(start=10) }} {{ [] | sum }} {{ [0.1, 0.2] | sum }}
{{ [2, 1] | min }} {{ [2, 1] | max }} {{ ['b', 'A'] | min }} {{ ['b', 'A'] | min(case_sensitive=true) }} {{ [] | max }}| {{ rows[:2] | max(attribute='n') }} {{ 'hello' | max }}
{{ table | pprint }} {{ 'a' | pprint }} {{ [1, none] | pprint }}
{% for role, group in messages | groupby('role') %}{{ role }}:{{ group | length }};{% endfor %} {{ (messages | groupby('role'))[0].grouper }} {{ (messages | groupby('role'))[0].list | length }}
{{ {'a': 1} | attr('a') }}| {{ 'a' | attr('upper') is callable }}
{{ 'a' | nonsense }}
{% if false %}{{ 'a' | nonsense }}{% endif %}unused
{{ ['a', 'b'] | map('replace', 'a', 'c') | join }} {{ [1, 2] | map('string') | join('+') }} {{ ['x'] | map('default', 'y') | list }}
{{ none | default('a') | upper }} {{ 0 | default('a', true) | upper }} {{ unknown | default(unknown2) | default('z') }}
{{ {'a': 1} | xmlattr }}| {{ 'see http://x.org ' | urlize }}
""",
    "loops": """
{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }};{% endfor %}
{% for m in messages %}{{ loop.previtem.role }}<{{ m.role }}>{{ loop.nextitem.role if loop.nextitem is defined else '-' }};{% endfor %}
{% for m in messages %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }} {% endfor %}
{% for m in messages %}{% if loop.previtem and loop.previtem.role == 'user' %}after {{ m.role }}{% endif %}{% endfor %}
{% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }} {% endfor %}
{% for x in range(4) %}{{ loop.cycle('a', 'b', 'c') }}{% endfor %}
{% for x in [] %}x{% else %}nothing{% endfor %} {% for x in [1] if x > 1 %}x{% else %}nothing{% endfor %}
{% for m in messages if m.role != 'system' %}{{ loop.index }}/{{ loop.length }}{{ loop.first }}{{ m.role }} {% endfor %}
{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}
{% for x in [1, 2] %}{% for y in [3, 4] %}{% if y == 4 %}{% break %}{% endif %}{{ x }}{{ y }} {% endfor %}{% endfor %}
{% for x in [1] recursive %}{{ loop.depth }}{% if x < 3 %}{{ loop([x + 1]) }}{% endif %}{% endfor %}
{% for t in [{'n': 'a', 'c': [{'n': 'b', 'c': []}]}] recursive %}{{ t.n }}({{ loop(t.c) }}){% endfor %}
{% for k in {'b': 1, 'a': 2} %}{{ k }}{% endfor %} {% for c in 'a\u00e9\U0001f600' %}{{ c }}.{% endfor %} {% for x in (1, 2) %}{{ x }}{% endfor %}
{% for k, v in {'b': 1, 'a': 2}.items() %}{{ k }}{{ v }}{{ loop.last }}{% endfor %} {% for a, b in [(1, 2), [3, 4]] %}{{ a }}{{ b }}{% endfor %} {% for a, (b, c) in [(1, (2, 3))] %}{{ a + b + c }}{% endfor %} {% for ab in ['xy'] %}{{ ab }}{% endfor %} {% for a, b in ['xy'] %}{{ a }}-{{ b }}{% endfor %}
{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}
{% for x in 5 %}{{ x }}{% endfor %}
{% for x in none %}{{ x }}{% endfor %}
{{ loop }}|
{% for x in [1, 2] %}{% set y = x %}{% endfor %}[{{ y }}]
{% set y = 0 %}{% for x in [1, 2] %}{% set y = y + x %}{{ y }}{% endfor %}[{{ y }}]
{% set ns = namespace(y=0) %}{% for x in [1, 2] %}{% set ns.y = ns.y + x %}{% endfor %}[{{ ns.y }}]
{% for x in [1, 2] %}{{ x }}{% endfor %}{{ x }}|
{% for m in messages %}{% for c in m.content[:2] %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}
{% for m in messages %}{% set outer = loop %}{% for c in 'ab' %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}
{% for m in messages | selectattr('role', 'ne', 'system') %}{{ loop.last }}{{ loop.length }} {% endfor %}
{% for x in [3, 1, 2] | sort %}{{ x }}{% endfor %} {% for x in [1, 2, 3] | reverse %}{{ x }}{% endfor %} {% for i in range(messages | length - 1, -1, -1) %}{{ messages[i].role[0] }}{% endfor %}
{% for m in messages %}{{ messages[loop.index0 - 1].role }} {% endfor %}
{% for m in messages %}{% if not loop.last %}{{ messages[loop.index0 + 1].role }} {% endif %}{% endfor %}
{% for m in messages %}{% set messages = [] %}{{ messages | length }}{{ m.role }}{% endfor %}{{ messages | length }}
{% set messages = messages[1:] %}{{ messages | length }}{% for m in messages %}{{ m.role }}{% endfor %}
{% if true %}{% set inner = 1 %}{% endif %}{{ inner }} {% if false %}{% set other = 1 %}{% endif %}{{ other is defined }}
{% for x in range(2) %}{% if x == 0 %}{% set seen = true %}{% endif %}{{ seen is defined }}{% endfor %}
{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{% set j = joiner(', ') %}{% for x in [1, 2] %}{{ j() }}{{ x }}{% endfor %}
{{ range(100000) | length }}
{{ range(100001) | length }}
""",
    "setting": """
{% set a = 1 %}{% set b, c = 2, 3 %}{% set (d, e) = [4, 5] %}{{ a }}{{ b }}{{ c }}{{ d }}{{ e }}
{% set x %}  in {{ 'a' }} block {% endset %}[{{ x }}]{{ x is string }}{{ x | length }}{{ x.strip() }}
{% set x | upper | trim %} abc {% endset %}[{{ x }}]
{% set x %}<b>{{ '<' }}{% endset %}{{ x + '>' }}{{ x == '<b><' }}
{% set x %}{% for m in messages %}{{ m.role }},{% endfor %}{% endset %}{{ x }}{{ x.split(',')[:2] }}
{% set ns = namespace() %}{% set ns.a = 1 %}{% set ns.b = ns.a + 1 %}{{ ns.a }}{{ ns.b }}{{ ns.c }}|{{ ns.c is defined }}
{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}{{ ns['a'] }}
{% set ns = namespace(**{'a': 1}) %}{{ ns.a }}
{% set ns = namespace(a=[]) %}{% set ns.a = ns.a + [1] %}{{ ns.a }}
{% set ns = namespace(text='') %}{% for m in messages %}{% set ns.text = ns.text ~ m.role ~ ';' %}{% endfor %}{{ ns.text }}
{% set ns = namespace(a=1) %}{% set ns.a %}block{% endset %}{{ ns.a }}
{% set ns = namespace(_a=1) %}{{ ns._a }}
{% set ns = namespace() %}{% set ns._a = 1 %}
{% set d = {} %}{% set d.a = 1 %}{{ d }}
{% set d = {'a': 1} %}{{ d.update({'b': 2}) }}{{ d }}
{% set l = [1] %}{{ l.append(2) }}{{ l }}
{% set l = [1] %}{% set _ = l.append(2) %}{{ l }}
{% set l = [1] %}{{ l.extend([2]) }}
{% set l = [1] %}{{ l.pop() }}
{% set l = [2, 1] %}{{ l.sort() }}
{{ [1, 2, 1].count(1) }} {{ [1, 2].index(2) }} {{ [1].copy() }} {{ {'a': 1}.copy() }} {{ (1, 2).index(2) }}
{{ {'a': 1}.pop('a') }}
{{ {'a': 1}.setdefault('b', 2) }}
{{ {'a': 1}.keys() | list }} {{ {'a': 1}.values() | list }} {{ {'a': 1}.items() | list }} {{ {'a': 1, 'b': 2}.keys() | join(',') }} {{ 'a' in {'a': 1}.keys() }} {{ {'a': 1}.items() | length }} {{ {'a': 1} | length }} {{ dict.fromkeys(['a'], 1) }}
{% set messages = messages + [{'role': 'user', 'content': 'x'}] %}{{ messages | length }}{{ messages[-1].content }}
{% set add_generation_prompt = true %}{{ add_generation_prompt }}
{% set none = 1 %}
{% set true = 1 %}
{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}| {% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}|
{% filter upper %}abc {{ 'd' }}{% endfilter %} {% filter replace('a', 'b') | upper %}aXa{% endfilter %}
{% set x = 'a' if messages | length > 5 else none %}{{ x }}
{% set x = messages[0].content if messages[0].role == 'system' else '' %}{{ x }}
{% set x = x | default('fresh') %}{{ x }}
{% if x is not defined %}{% set x = 'fresh' %}{% endif %}{{ x }}
{% if not date_string is defined %}{% set date_string = '26 Jul 2024' %}{% endif %}{{ date_string }}
{% if a is defined and a %}1{% elif messages[0].role == 'system' %}2{% elif true %}3{% else %}4{% endif %}
{% if messages %}1{% endif %}{% if [] %}2{% endif %}{% if '' %}3{% endif %}{% if 0.0 %}4{% endif %}{% if 'false' %}5{% endif %}{% if {} %}6{% endif %}{% if [none] %}7{% endif %}{% if range(0) %}8{% endif %}
""",
    "macros": """
{% macro m(a, b='x', c=none) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, 2) }} {{ m(a=1, c=3) }} {{ m() }} {{ m(1, b=5) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, z=2) }}
{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, z=4) }}
{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}body{% endcall %}
{% macro m() %}[{{ caller(1, 'b') }}]{% endmacro %}{% call(x, y) m() %}{{ x }}{{ y }}{% endcall %}
{% macro m() %} a {% endmacro %}[{{ m() | trim }}]{{ m() is string }}{{ (m() + 'x') }}{{ m() == ' a ' }}{{ m() | length }}{{ m().strip() }}{{ m() ~ 1 }}
{% macro m(x) %}{{ x }}{% endmacro %}{{ m('<') + '>' }}{{ m('<') | e }}{{ [m('a')] }}{{ {'k': m('b')} | tojson }}
{% macro down(n) %}{{ n }}{% if n > 0 %}{{ down(n - 1) }}{% endif %}{% endmacro %}{{ down(3) }}
{% macro m() %}{{ messages | length }}{{ bos_token }}{{ later }}{% endmacro %}{% set later = 'L' %}{{ m() }}
{% macro m() %}{% set hidden = 1 %}{% endmacro %}{{ m() }}{{ hidden is defined }}
{% set ns = namespace(n=0) %}{% macro bump() %}{% set ns.n = ns.n + 1 %}{% endmacro %}{{ bump() }}{{ bump() }}{{ ns.n }}
{% for m in messages %}{% macro inner(x) %}{{ x }}{{ m.role }}{% endmacro %}{{ inner(loop.index) }}{% endfor %}
{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, 2) }}
{% macro m(a, flag=false) -%}
  {%- if flag -%} {{ a | upper }} {%- else -%} {{ a }} {%- endif -%}
{%- endmacro -%}
{{ m('x') }}{{ m('x', flag=true) }}{{ m('x', true) }}
{% macro m() %}{{ m.name }}{{ m.arguments }}{% endmacro %}{{ m.name }} {{ m.arguments }}
{{ early() }}{% macro early() %}x{% endmacro %}
{% macro none_given(x) %}{{ x is none }}{{ x is defined }}{% endmacro %}{{ none_given(none) }}{{ none_given() }}
""",
    "statements": """
{% include 'other' %}
{% include 'other' ignore missing %}empty
{% import 'other' as o %}
{% extends 'other' %}
{% block a %}inside{% endblock %} {{ self.a() }}
{% do messages.append(1) %}
{% trans %}x{% endtrans %}
{% nonsense %}
{% for x in [1] %}
{% endfor %}{% endfor %}
{% if true %}x
{{ 'unclosed
{# unclosed
{% generation %}a{% set x = 1 %}{{ x }}{% endgeneration %}[{{ x }}]
{% set x = 0 %}{% generation %}{% set x = 1 %}{% endgeneration %}[{{ x }}]
{% for m in messages %}{% generation %}{{ loop.index }}{{ m.role }}{% endgeneration %}{% endfor %}
{% set ns = namespace(a=0) %}{% generation %}{% set ns.a = 1 %}{% endgeneration %}{{ ns.a }}
{%- generation -%}  a  {%- endgeneration -%}  b
{% generation %}{% break %}{% endgeneration %}
{% for x in [1, 2] %}{% generation %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endgeneration %}{% endfor %}
{% set generation = 5 %}{{ generation }}
{{ raise_exception('no ' ~ messages[0].role) }}
{% if false %}{{ raise_exception('no') }}{% endif %}fine
{{ raise_exception(1) }}
{{ raise_exception() }}
{{ 'a' if true else raise_exception('no') }} {{ true or raise_exception('no') }}
{% autoescape true %}{{ '<' }}{% endautoescape %}
{% raw %}{{ x }} {% if %}{% endraw %} {%- raw -%}  {{ y }}  {%- endraw -%}  z
{{ self }}|
{{ lipsum() | length > 0 }}
{{ debug() }}
{% debug %}
{{ messages[0].__class__ }}|
{{ messages.__len__() }}
""",
}

# Here each probe is written out, since white space and line ends are what matters.
WHITESPACE = (
    "a\n{% if true %}\nb\n{% endif %}\nc\n",
    "a\n   {% if true %}   \nb\n   {% endif %}\nc",
    "a {% if true %} b {% endif %} c",
    "a\n  {%- if true %}\n  b\n  {%- endif %}\nc",
    "a\n{% if true -%}\n  b\n{%- endif -%}\n  c",
    "a\n  {%+ if true %}\n  b\n  {%+ endif %}\nc",
    "a\n{% if true +%}\nb\n{% endif +%}\nc",
    "a\n  {{ 'x' }}\n  b",
    "a\n  {{- 'x' -}}\n  b",
    "a\n  {{+ 'x' }}\nb",
    "a\n  {# comment #}\nb",
    "a\n  {#- comment -#}\n  b",
    "a\n  {#+ comment +#}\nb",
    "a {# {{ x }} {% if %} #} b",
    "{# a #}\n{# b #}\n\nc",
    "a\n\n\n{% if true %}\n\n\nb\n\n\n{% endif %}\n\n\nc\n\n\n",
    "a\n", "a\n\n", "\na\n", "a\r\n", "a\r\n\r\n", "a\r", "", "\n",
    "a\r\n{% if true %}\r\nb\r\n{% endif %}\r\nc\r\n",
    "a\r\n  {{ 'x' }}\r\n  b\rc",
    "{{ 'in\r\nside' | tojson }}",
    "{{ 'in\nside' | tojson }}",
    "a\t {% if true %}\t\nb{% endif %}",
    "a\n\u00a0{% if true %}\u00a0\nb{% endif %}",
    "\u2003{{- 'x' -}}\u2003b",
    "\x1c\x85{{- 'x' -}}\x1c\x0bb",
    "a\n  {% set x = 1 %}  {% set y = 2 %}\n  b",
    "  {% for x in [1, 2] %}\n    {{ x }}\n  {% endfor %}\n",
    "{%- for x in [1, 2] %}\n    {{- x }}\n{%- endfor %}\nend",
    "{%- for x in [1, 2] -%}\n    {{ x }}\n{%- endfor -%}\n\nend",
    "{% for x in [1, 2] %}{{ x }}\n{% endfor %}end",
    "{% raw %}\n  a\n{% endraw %}\nb",
    "a\n  {% raw %}  b  {% endraw %}  \nc",
    "{{ 1 }}\n{{ 2 }}\n\n{{ 3 }}",
    "{%if true%}a{%endif%}{{1}}{{-2-}} 3",
    "{% if\n true\n %}a{% endif %}{{\n 1 +\n 2\n }}",
    "{{ {'a':{'b':1}}['a']['b'] }} {{ {'a': {}} }}",
    "a\n  {%- generation -%}\n  b\n  {%- endgeneration -%}\n  c",
    "a\n  {% generation %}\n  b\n  {% endgeneration %}\nc",
    "a\n  {% macro m() %}\n  b\n  {% endmacro %}\nc{{ m() }}d",
    "a\n  {% set x %}\n  b\n  {% endset %}\nc[{{ x }}]",
    "a\n  {% filter upper %}\n  b\n  {% endfilter %}\nc",
    "a{# one\ntwo\n#}\nb",
    "# a line\n## {{ 1 }}\n% if\n",
    "{{ '\\\n' | tojson }}",
    "{ { } } {a} }} %} #} {",
    "\ufeffa{{ 1 }}",
)
DATES = (
    "%d %b %Y", "%B %-d, %Y", "%A", "%Y-%m-%d", "%H:%M", "%d/%m/%y", "%I:%M %p", "%j", "%a %b %e", "%H:%M:%S.%f", "%% %d",
    "%Z|%z|", "%c", "%x %X", "%U %W %u %w", "%Q", "%-m/%-d", "", "%D %T %R %F", "%G-W%V", "\u00e9 %Y \u4f60",
)
ARGUMENTS = (
    ("three", "{{ enable_thinking is defined }}", {}),
    ("three", "{{ enable_thinking is defined }}{{ enable_thinking }}{{ enable_thinking is false }}", {"enable_thinking": False}),
    ("three", "{{ enable_thinking is defined and enable_thinking is not none }}", {"enable_thinking": None}),
    ("three", "{{ bos_token }}{{ add_generation_prompt }}", {"bos_token": "mine"}),
    ("three", "{{ level + 1 }} {{ ratio * 2 }} {{ name | upper }}", {"level": 2, "ratio": 0.5, "name": "x"}),
    ("three", "{{ tools | length }}{{ tools[0].function.name }}{{ tools[0] | tojson }}", {"tools": [TOOL]}),
    ("three", "{% for tool in tools %}{{ tool | tojson(indent=4) }}{% endfor %}", {"tools": [TOOL]}),
    ("three", "{{ tools }}", {"tools": [TOOL]}),
    ("three", "{% for tool in tools %}{% for key, value in tool.function.items() if key != 'description' %}{{ key }}={{ value }};{% endfor %}{% endfor %}", {"tools": [TOOL]}),
    ("three", "{{ documents[0].title }}{{ documents | map(attribute='text') | join(',') }}", {"documents": [{"title": "t", "text": "x"}]}),
    ("one", "{{ messages[0]['role'] == 'system' }}{{ messages[1:] }}{{ messages[1] is defined }}{{ messages[0].tool_calls }}|", {}),
    ("one", "{{ messages[0].tool_calls is none }}{{ 'tool_calls' in messages[0] }}{{ messages[0].get('tool_calls') is none }}", {}),
    ("extra", "{{ messages[0] }}", {}),
    ("extra", "{{ messages[0]['items'] }}{{ messages[0].items is string }}", {}),
    ("extra", "{{ messages[0].number }}{{ messages[0].ratio }}{{ messages[0].yes }}{{ messages[0] | tojson }}", {}),
    ("extra", "{{ messages[1].content is string }}{{ messages[1].content is iterable }}{{ messages[1].content is mapping }}{{ messages[1].content[0].text }}{{ messages[1].tool_calls }}", {}),
    ("extra", "{% for part in messages[1].content %}{{ part.type }}{{ part.text }}{{ part['text'] is defined }};{% endfor %}", {}),
    ("extra", "{{ messages[2].content is none }}{{ messages[2].content is defined }}{{ messages[2] | tojson }}{{ 'content' in messages[2] }}", {}),
    ("extra", "{{ messages[1].content + 'x' }}", {}),
    ("extra", "{{ messages | map(attribute='name') | list }}{{ messages | selectattr('name', 'defined') | list | length }}", {}),
)


def probes():
    """(topic, template, conversation, arguments, date) of each probe."""
    for topic, lines in TOPICS.items():
        for template in split(lines):
            yield topic, template, "three", {name: VALUES[name] for name in VALUES if name in template}, None
    for template in WHITESPACE:
        yield "white space", template, "three", {}, None
    for conversation, template, arguments in ARGUMENTS:
        yield "arguments", template, conversation, arguments, None
    for pattern in DATES:
        yield "dates", "{{ strftime_now('" + pattern + "') }}", "one", {}, DATE
    yield "dates", "{{ strftime_now(format='%Y') }}", "one", {}, DATE
    yield "dates", "{{ strftime_now() }}", "one", {}, DATE
    yield "dates", "{% set s = strftime_now %}{{ s('%Y') }}", "one", {}, DATE


def split(lines):
    """One probe a line, or one an expression where a line has nothing but expressions with spaces between.

    A line that is indented, or that calls the macro which ended before it, goes on with the one before.
    """
    found = []
    for line in lines.strip("\n").split("\n"):
        if line.startswith((" ", "{%- endmacro", "{{ m('x') }}{{ m('x', flag")):
            found[-1] += "\n" + line
        elif line.startswith("{{") and "{%" not in line:
            found += re.split(r"(?<=\}\}) (?=\{\{)", line)
        else:
            found.append(line)
    return found
