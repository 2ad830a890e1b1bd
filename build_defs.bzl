"""The C++ rules of the project.

Each wraps the native rule of the same name, and adds what every target shares:
the language level, the warnings, and include paths that begin with `poolscope/`
(`allocator/pool/chunk.h` is included as "poolscope/allocator/pool/chunk.h"),
here and in a workspace that depends on this one. Targets are private unless
they say otherwise.
"""

_COPTS = [
    "-std=c++17",
    "-Wall",
    "-Wextra",
    "-Werror",
    # A designated or aggregate initialiser may leave the rest to its defaults.
    "-Wno-missing-field-initializers",
]

# Of programs in C, which use the native rules.
C_COPTS = [
    "-std=c11",
    "-D_GNU_SOURCE",
    "-Wall",
    "-Wextra",
    "-Werror",
]

_LINKOPTS = ["-pthread"]

def _split_private_headers(name, srcs):
    """Gives headers among the sources their `poolscope/` path.

    Bazel gives a prefix to headers in `hdrs` alone, so those in `srcs` become a
    private library beside the target.

    Returns:
      The sources that are no headers, and the dependencies to add.
    """
    headers = [src for src in srcs if src.endswith(".h")]
    if not headers:
        return srcs, []
    native.cc_library(
        name = name + "_private_headers",
        hdrs = headers,
        include_prefix = "poolscope",
        strip_include_prefix = "/",
        tags = ["manual"],
        visibility = ["//visibility:private"],
    )
    return (
        [src for src in srcs if not src.endswith(".h")],
        [":" + name + "_private_headers"],
    )

def poolscope_cc_library(
        name,
        srcs = [],
        hdrs = [],
        deps = [],
        copts = [],
        linkopts = [],
        visibility = ["//visibility:private"],
        **kwargs):
    """One unit of the library.

    Args:
      name: the target's name.
      srcs: sources, and headers that only they include.
      hdrs: headers for dependents, included as "poolscope/<path>".
      deps: what the sources and headers include.
      copts: further compiler options, after the common ones.
      linkopts: further linker options, for every program that uses it.
      visibility: private unless given.
      **kwargs: passed to cc_library.
    """
    srcs, private_headers = _split_private_headers(name, srcs)
    native.cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        copts = _COPTS + copts,
        include_prefix = "poolscope",
        linkopts = _LINKOPTS + linkopts,
        linkstatic = True,
        strip_include_prefix = "/",
        visibility = visibility,
        deps = deps + private_headers,
        **kwargs
    )

def poolscope_cc_binary(
        name,
        srcs = [],
        deps = [],
        copts = [],
        linkopts = [],
        visibility = ["//visibility:private"],
        **kwargs):
    """A program, or with `linkshared = True` a shared object.

    Args:
      name: the target's name; of a shared object the file's, `lib<name>.so`.
      srcs: sources, and headers that only they include.
      deps: what the sources include.
      copts: further compiler options, after the common ones.
      linkopts: further linker options.
      visibility: private unless given.
      **kwargs: passed to cc_binary.
    """
    srcs, private_headers = _split_private_headers(name, srcs)
    native.cc_binary(
        name = name,
        srcs = srcs,
        copts = _COPTS + copts,
        linkopts = _LINKOPTS + linkopts,
        visibility = visibility,
        deps = deps + private_headers,
        **kwargs
    )

def poolscope_cc_test(
        name,
        srcs = [],
        deps = [],
        copts = [],
        linkopts = [],
        main = "@com_google_googletest//:gtest_main",
        size = "small",
        **kwargs):
    """A GoogleTest suite, with GoogleTest's main() unless it brings its own.

    Args:
      name: the target's name.
      srcs: sources, and headers that only they include.
      deps: what the sources include; GoogleTest need not be named.
      copts: further compiler options, after the common ones.
      linkopts: further linker options.
      main: what brings GoogleTest; "@com_google_googletest//:gtest" for a suite
        with a main() of its own.
      size: "small" ends the suite after a minute, "medium" after five.
      **kwargs: passed to cc_test. Tags "no-asan", "no-ubsan" and "no-tsan" keep
        a suite out of that sanitizer's run.
    """
    srcs, private_headers = _split_private_headers(name, srcs)
    native.cc_test(
        name = name,
        srcs = srcs,
        copts = _COPTS + copts,
        linkopts = _LINKOPTS + linkopts,
        linkstatic = True,
        size = size,
        deps = deps + private_headers + [main],
        **kwargs
    )

def poolscope_fuzz_target(name, srcs, deps, **kwargs):
    """A target of libFuzzer, for `./dev fuzz`, and its corpus as a test.

    `NAME_fuzz` needs clang, so that it is built by that command alone;
    `NAME_corpus_test` plays the files in `corpus/NAME` with any compiler. The
    fuzzer names these files, which is why they alone are globbed.

    Args:
      name: the target's name for `./dev fuzz`.
      srcs: sources with LLVMFuzzerTestOneInput().
      deps: what the sources include.
      **kwargs: passed to the test.
    """
    poolscope_cc_binary(
        name = name + "_fuzz",
        testonly = True,
        srcs = srcs,
        tags = ["manual"],
        deps = deps,
    )
    poolscope_cc_test(
        name = name + "_corpus_test",
        srcs = srcs,
        args = [native.package_name() + "/corpus/" + name],
        data = native.glob(["corpus/" + name + "/*"]),
        main = "//tests/fuzz:corpus_main",
        tags = ["no-tsan"],
        deps = deps,
        **kwargs
    )
