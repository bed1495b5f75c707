// SPDX-License-Identifier: MPL-2.0
// A slk::loop in a program that waits in GLib's main loop, as a GSource: GTK programs are such.
#include "program.hpp"

#include <glib.h>

namespace {

struct source {
    GSource base;
    program* inner;
    gpointer tag;
};

source& of(GSource* base)
{
    return *reinterpret_cast<source*>(base);
}

// Before the wait: how long it may last.
gboolean prepare(GSource* base, gint* timeout)
{
    *timeout = of(base).inner->timeout_ms();
    return *timeout == 0;
}

// After the wait: whether there is something to do.
gboolean check(GSource* base)
{
    source& mine = of(base);
    return g_source_query_unix_fd(base, mine.tag) != 0 || mine.inner->timeout_ms() == 0;
}

gboolean dispatch(GSource* base, GSourceFunc, gpointer loop)
{
    program& inner = *of(base).inner;
    inner.run();
    if (inner.done())
        g_main_loop_quit(static_cast<GMainLoop*>(loop));
    return G_SOURCE_CONTINUE;
}

} // namespace

int main()
{
    program inner;
    if (const auto started = inner.start(); !started) {
        std::fprintf(stderr, "%s\n", slk::to_string(started.error()).c_str());
        return 1;
    }
    GSourceFuncs functions{};
    functions.prepare = prepare;
    functions.check = check;
    functions.dispatch = dispatch;
    GMainLoop* const loop = g_main_loop_new(nullptr, FALSE);
    GSource* const base = g_source_new(&functions, sizeof(source));
    of(base).inner = &inner;
    of(base).tag = g_source_add_unix_fd(base, inner.handle(), G_IO_IN);
    g_source_set_callback(base, nullptr, loop, nullptr);
    g_source_attach(base, nullptr);
    g_main_loop_run(loop);
    g_source_destroy(base);
    g_source_unref(base);
    g_main_loop_unref(loop);
    return inner.report("GLib");
}
