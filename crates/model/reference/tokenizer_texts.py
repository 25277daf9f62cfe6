"""Texts on which tokenizers are compared: what people write, and what tells one way to cut texts from another."""
import random

LETTERS = "etaoinshrdlucmfwypvbgkjqxzETAOINSHRDLU"
WORDS = [
    "the", "The", "THE", "model", "user's", "we'll", "WE'LL", "I'm", "i'M", "they've", "THEY'VE", "it'd", "don't", "DON'T", "we're", "y'all",
    "camelCase", "HTTPServer", "snake_case", "kebab-case", "x86_64", "UTF-8", "e.g.", "a/b", "C++", "#include", "$100", "50%", "@user",
    "https://example.org/a?b=c&d=e#f", "1", "12", "123", "1234", "12345", "1234567890", "3.14159", "1,000,000", "0x7f", "v1.2.3", "²", "½", "Ⅻ", "٣٤٥",
    "café", "cafe\u0301", "naïve", "nai\u0308ve", "Straße", "œuvre", "A\u030angstro\u0308m", "Ångström", "ﬁne", "ſ", "'ſ", "İstanbul", "i\u0307",
    "日本語", "中文字符", "한국어", "\u1112\u1161\u11ab", "ひらがな", "カタカナ", "ｶﾀｶﾅ", "Ｆｕｌｌ", "привет", "ПРИВЕТ", "γειά", "שלום", "مرحبا", "हिन्दी", "ไทย", "தமிழ்",
    "🙂", "👍🏽", "👩‍👩‍👧", "🇩🇪", "❤️", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u2581", "\u0120", "ï¿½", "\ufffd", "\x00", "\x07", "\x1b[0m", "\U0010ffff", "𝔘𝔫𝔦",
]
SIGNS = list(".,;:!?-_=+*/\\|()[]{}<>\"'`~@#$%^&") + ["...", "—", "…", "“", "”", "‘", "’", "«", "»", "。", "、", "！", "？", "!!!", "----", "====", "::", "->", "=>", "''", "\"\""]
BLANKS = [" ", "  ", "   ", "    ", "\t", "\t\t", " \t", "\n", "\n\n", "\n\n\n", "\r\n", " \n", "\n ", "\r", "\u00a0", "\u2003", "\u3000", "\u0085", "\u2028", "\x0b", "\x0c", ""]

BY_HAND = [
    "", " ", "  ", "\n", "\n\n", "\t", "a", " a", "a ", "  a  ", "\na", "a\n", "\n\n\n\n\n a", " \n \n", "\r\n\r\n", "x" * 300, " " * 200, "\n" * 50, "\t" * 40, "=" * 100,
    "ab" * 80, "aaa" * 30, "1" * 40, "🙂" * 20, "日" * 50, "e\u0301" * 20, "Who are you?", "Hello, world!", "I'm sure they've said it's what we'd do; you'll see 'twas 's.",
    "I'M SURE THEY'VE SAID IT'S WHAT WE'D DO; YOU'LL SEE 'TWAS 'S.", "It's 's 'S 't 'T 're 'Re 'RE 've 'll 'd 'm 'M ''s x'sx", "3 33 333 3333 33333 333333 3333333 33333333 3.3 3..3 3...3",
    "def f(x):\n    return {x: [1, 2, 3]}  # <b>&amp;</b>\n\n\nclass A:\n\tpass\n", "for (int i = 0; i < n; ++i) {\n  a[i] += *p++;\r\n}\r\n", "SELECT * FROM t WHERE a='b' AND c>=10;--x",
    "<div class=\"a\">\n    <p>Text</p>\n</div>", "{\"a\": [1, 2.5e-3, null], \"b\": \"\\u00e9\"}", "line one\nline two\n\nline four\n \n  indented\n", "# Title\n\n- one\n- two\n  - three\n\n1. x\n2. y\n\n```py\nprint('hi')\n```",
    "naïve café, Straße, œuvre — “quoted” ‘text’ …", "nai\u0308ve cafe\u0301 A\u030angstro\u0308m", "日本語と中文、한국어 그리고 emoji 🙂👩‍👩‍👧 mixed with English", "Привет, как дела? مرحبا شكراً שלום עולם", "हिन्दी में नमस्ते। ไทยภาษา தமிழ் மொழி",
    "\u00a0no-break\u2003em\u200bzero\u3000wide", "a\u0000b\u0007c\x7fd", "\u2581under\u2581 \u2581\u2581", "\u0120\u010a Ġhello Ċ", "tab\tseparated\tvalues\n1\t2\t3", "  two\n   three\n    four\n     five", "trailing   ", "   leading",
    "end.\n\nNext", "end.  Next", "end. \n Next", "a,b;c:d!e?f", "!!!???...", "a--b---c----d", "http://a.b/c_d-e~f?g=h%20i", "user@example.org", "C:\\Users\\x\\y.txt", "~/.config/a", "1st 2nd 3rd 4th", "10:30 2024-01-31T12:00:00Z",
    "½ ² Ⅻ ① ٣٤٥ १२३ 一二三", "ＡＢＣ１２３", "ǅ ǆ Ǆ ʰ ª", "x² + y² = z²", "$1,234.56 €99 £5 ¥100", "50% off!!", "(a) [b] {c} <d>", "“a” ‘b’ «c» „d“", "'a' \"b\" `c`", "a\u0300\u0301\u0302 \u0300x", "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "camelCaseWord HTTPServer XMLHttpRequest iPhone McDonald's", "ALLCAPS lower Title miXeD", "a1b2c3 123abc abc123", "_private __dunder__ snake_case_word", "\\n is not \n", "/path/to/file // comment /* block */", "a/b/c //\n//\n", "...\n...\n", "!\n!\r\n! \n",
]


def texts(added: list[str], count: int = 640, seed: int = 1) -> list[str]:
    """The texts by hand, and random ones; some contain the given tokens, with and without blanks around them."""
    source = random.Random(seed)
    made = list(BY_HAND)
    for token in added[:24]:
        blank, other = source.choice(BLANKS), source.choice(BLANKS)
        made += [token, f"a{token}b", f"a{blank}{token}{other}b", f"{token}{other}{token}", f" {token} x"]
    while len(made) < count:
        parts = []
        for _ in range(source.randint(1, 14)):
            kind = source.random()
            if kind < 0.5:
                parts.append(source.choice(WORDS))
            elif kind < 0.65:
                parts.append("".join(source.choice(LETTERS) for _ in range(source.randint(1, 12))))
            elif kind < 0.75:
                parts.append(str(source.randint(0, 10 ** source.randint(1, 12))))
            elif kind < 0.95 or not added:
                parts.append(source.choice(SIGNS))
            else:
                parts.append(source.choice(added))
            parts.append(source.choice(BLANKS if source.random() < 0.4 else [" ", ""]))
        made.append("".join(parts))
    return made
