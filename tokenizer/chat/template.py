"""The renderer as a template, for transformers, vLLM and lm-evaluation-harness: the same text between the same ids.

BOS, then each turn as the id of its role, its text, END. `generation` marks what a model learns to write.

They encode the whole text at once, and would make an id of a special piece that somebody's text spells. So the template
writes MARK into what may become one, where it takes it for text, and tokenizer.json's normalizer takes MARK away again
when special pieces have been found: the ids are those of the text, as `render` has them.
"""

from gristmill.tokenizer.special_ids import SPECIAL_IDS

MARK = "\ufdd0"
"""Behind a `<`: a code point that is no character, and stands in no text that is meant for others (Unicode, 23.7)."""
_FAMILIES = ("<|", "<extra_")
_SPELLINGS = ("<" + MARK, *_FAMILIES, *(piece for piece in SPECIAL_IDS if not piece.startswith(_FAMILIES)))
"""How what is marked begins; a text's own `<` with MARK behind it is, too."""
_AS_TEXT = "".join(f" | replace('{one}', '{one[0]}{MARK}{one[1:]}')" for one in _SPELLINGS)

CHAT_TEMPLATE = (
    "{%- macro text_of(content) -%}"
    "{%- if content is string -%}{{- content -}}"
    "{%- elif content -%}"
    "{%- set texts = namespace(all=[]) -%}"
    "{%- for part in content -%}"
    "{%- set text = part if part is string else part.text -%}"
    "{%- if text is not string -%}{{- raise_exception('a part of a message is no text') -}}{%- endif -%}"
    "{%- set texts.all = texts.all + [text] -%}"
    "{%- endfor -%}"
    "{{- texts.all | join('\\n') -}}"
    "{%- endif -%}"
    "{%- endmacro -%}"
    "{%- macro call_of(call) -%}"
    "{{- '<tool_call>{\"name\": ' ~ (call.name | tojson) ~ ', \"arguments\": ' -}}"
    "{{- call.arguments if call.arguments is string and call.arguments else (call.arguments or {}) | tojson -}}"
    "{{- '}</tool_call>' -}}"
    "{%- endmacro -%}"
    "{%- macro said_in(message) -%}"
    "{%- set said = namespace(text=text_of(message.content)) -%}"
    "{%- for call in message.tool_calls or ([message.function_call] if message.function_call else []) -%}"
    "{%- set said.text = said.text ~ ('\\n' if said.text else '') ~ call_of(call.function or call) -%}"
    "{%- endfor -%}"
    "{{- said.text" + _AS_TEXT + " -}}"
    "{%- endmacro -%}"
    "{%- macro tools_of(offered) -%}"
    "{{- '<tools>\\n' -}}"
    "{%- for tool in offered -%}{{- (tool | tojson)" + _AS_TEXT + " ~ '\\n' -}}{%- endfor -%}"
    "{{- '</tools>' -}}"
    "{%- endmacro -%}"
    "{{- bos_token -}}"
    "{%- set has_system = messages and messages[0].role == 'system' -%}"
    "{%- set offered = tools or (messages[0].tools if has_system else none) -%}"
    "{%- if offered and not has_system -%}{{- '<|system|>' ~ tools_of(offered) ~ '<|end|>' -}}{%- endif -%}"
    "{%- for message in messages -%}"
    "{%- if message.role not in ['system', 'user', 'assistant', 'tool'] -%}"
    "{{- raise_exception('a role is system, user, assistant or tool, not ' ~ message.role) -}}"
    "{%- endif -%}"
    "{{- '<|' ~ message.role ~ '|>' -}}"
    "{%- set text = said_in(message) -%}"
    "{%- if loop.first and has_system and offered -%}"
    "{%- set text = text ~ ('\\n\\n' if text else '') ~ tools_of(offered) -%}"
    "{%- endif -%}"
    "{%- if message.role == 'assistant' and message.weight != 0 -%}"
    "{%- generation -%}{{- text ~ '<|end|>' -}}{%- endgeneration -%}"
    "{%- else -%}{{- text ~ '<|end|>' -}}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)
