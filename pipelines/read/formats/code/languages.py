"""Programming languages by the names of files and by shebang, under the names of GitHub's linguist (MIT)."""

import posixpath
import re

_EXTENSIONS = """
Ada: ada adb ads | Assembly: asm s nasm | AWK: awk | Batchfile: bat cmd | C: c h | C#: cs csx | C++: cc cpp cxx
hh hpp hxx ipp inl tpp | CMake: cmake | CSS: css | CUDA: cu cuh | Clojure: clj cljs cljc edn | CoffeeScript:
coffee | Common Lisp: lisp lsp cl | Coq: v | Crystal: cr | D: d | Dart: dart | Dockerfile: dockerfile | Elixir:
ex exs | Elm: elm | Emacs Lisp: el | Erlang: erl hrl | F#: fs fsi fsx | Fortran: f f90 f95 f03 for | GLSL: glsl
vert frag | Go: go | GraphQL: graphql gql | Groovy: groovy gradle | HCL: tf hcl | HTML: html htm xhtml |
Haskell: hs lhs | INI: ini cfg conf properties | Idris: idr | JSON: json jsonl geojson ipynb | Java: java |
JavaScript: js mjs cjs jsx | Julia: jl | Kotlin: kt kts | LLVM: ll | Lean: lean | Less: less | Lua: lua |
Makefile: mk mak | Markdown: md markdown | Mathematica: wl nb | MATLAB: m | Nim: nim | Nix: nix | OCaml: ml mli
| Objective-C++: mm | PHP: php phtml | Pascal: pas pp | Perl: pl pm t | PowerShell: ps1 psm1 | Prolog: pro |
Protocol Buffer: proto | Python: py pyi pyx pyw | QML: qml | R: r rmd | Racket: rkt | reStructuredText: rst |
Ruby: rb rake gemspec | Rust: rs | SCSS: scss sass | SQL: sql | Scala: scala sbt | Scheme: scm ss | Shell: sh
bash zsh ksh fish | Solidity: sol | Standard ML: sml | Svelte: svelte | Swift: swift | SystemVerilog: sv svh |
TOML: toml | Tcl: tcl | TeX: tex sty cls bib | Text: txt text | TypeScript: ts tsx mts cts | VHDL: vhd vhdl |
Verilog: vh | Vim Script: vim | Visual Basic .NET: vb | Vue: vue | WebAssembly: wat | XML: xml xsd xsl svg |
YAML: yaml yml | Zig: zig"""
EXTENSIONS: dict[str, str] = {
    extension: name.strip()
    for name, _, extensions in (entry.partition(":") for entry in _EXTENSIONS.replace("\n", " ").split("|"))
    for extension in extensions.split()
}
"""Extension in small letters -> language; where several have one, the commonest."""
PROSE = {"Markdown", "reStructuredText", "Text", "TeX", "HTML"}
"""What is mostly written for people, in a language that can be identified."""
NAMES = {
    "makefile": "Makefile",
    "gnumakefile": "Makefile",
    "dockerfile": "Dockerfile",
    "containerfile": "Dockerfile",
    "cmakelists.txt": "CMake",
    "rakefile": "Ruby",
    "gemfile": "Ruby",
    "vagrantfile": "Ruby",
    "jenkinsfile": "Groovy",
    "build.bazel": "Starlark",
    "build": "Starlark",
    "workspace": "Starlark",
    "sconstruct": "Python",
    "readme": "Text",
}
"""Whole name in small letters -> language."""
_SHEBANG = re.compile(rb"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+|\w+=\S*\s+)*)?([A-Za-z+]+)")
INTERPRETERS = {
    "sh": "Shell", "bash": "Shell", "dash": "Shell", "zsh": "Shell", "ksh": "Shell", "fish": "Shell", "python":
    "Python", "pypy": "Python", "node": "JavaScript", "deno": "TypeScript", "bun": "TypeScript", "ruby": "Ruby",
    "perl": "Perl", "php": "PHP", "lua": "Lua", "awk": "AWK", "gawk": "AWK", "tclsh": "Tcl", "Rscript": "R",
    "julia": "Julia", "groovy": "Groovy", "make": "Makefile", "escript": "Erlang", "runghc": "Haskell", "pwsh":
    "PowerShell",
}  # fmt: skip


def language_of(path: str, body: bytes) -> str | None:
    """The programming language of a file; None: neither its name nor a shebang tells."""
    name = posixpath.basename(path).lower()
    if name in NAMES:
        return NAMES[name]
    extension = name.rpartition(".")[2] if "." in name else ""
    if extension in EXTENSIONS:
        return EXTENSIONS[extension]
    if found := _SHEBANG.match(body[:200]):
        return INTERPRETERS.get(found[1].decode())
    return None
