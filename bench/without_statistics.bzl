"""A shared object, built a second time without the allocator's statistics.

The object and all it depends on are compiled once more, from the same sources,
with one definition (allocator/base/statistics.h).
"""

_COPT = "//command_line_option:copt"

def _define_impl(settings, _attr):
    return {_COPT: settings[_COPT] + ["-DPOOLSCOPE_WITHOUT_STATISTICS"]}

_define = transition(
    implementation = _define_impl,
    inputs = [_COPT],
    outputs = [_COPT],
)

def _without_statistics_impl(ctx):
    file = ctx.actions.declare_file("lib%s.so" % ctx.label.name)
    ctx.actions.symlink(output = file, target_file = ctx.file.object)
    return [DefaultInfo(
        files = depset([file]),
        runfiles = ctx.runfiles(files = [file]),
    )]

without_statistics = rule(
    implementation = _without_statistics_impl,
    doc = "lib<name>.so is `object`, whose allocator counts nothing.",
    attrs = {
        "object": attr.label(
            allow_single_file = True,
            cfg = _define,
            mandatory = True,
        ),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
)
