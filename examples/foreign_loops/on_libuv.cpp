// SPDX-License-Identifier: MPL-2.0
// A slk::loop in a program that waits in libuv: a poll handle for what happens, a timer for what is
// due, and a prepare handle that looks at the time before each wait.
#include "program.hpp"

#include <uv.h>

namespace {

struct embedding {
    program inner;
    uv_poll_t happened{};
    uv_timer_t due{};
    uv_prepare_t before_wait{};

    void run()
    {
        inner.run();
        if (inner.done())
            stop();
    }
    void stop()
    {
        uv_close(reinterpret_cast<uv_handle_t*>(&happened), nullptr);
        uv_close(reinterpret_cast<uv_handle_t*>(&due), nullptr);
        uv_close(reinterpret_cast<uv_handle_t*>(&before_wait), nullptr);
    }
};

embedding& of(void* handle)
{
    return *static_cast<embedding*>(uv_handle_get_data(static_cast<uv_handle_t*>(handle)));
}

} // namespace

int main()
{
    embedding all;
    if (const auto started = all.inner.start(); !started) {
        std::fprintf(stderr, "%s\n", slk::to_string(started.error()).c_str());
        return 1;
    }
    uv_loop_t* const loop = uv_default_loop();
    uv_poll_init(loop, &all.happened, all.inner.handle());
    uv_timer_init(loop, &all.due);
    uv_prepare_init(loop, &all.before_wait);
    all.happened.data = all.due.data = all.before_wait.data = &all;
    uv_poll_start(&all.happened, UV_READABLE, [](uv_poll_t* self, int, int) { of(self).run(); });
    uv_prepare_start(&all.before_wait, [](uv_prepare_t* self) {
        embedding& mine = of(self);
        const int limit = mine.inner.timeout_ms();
        if (limit < 0)
            uv_timer_stop(&mine.due);
        else
            uv_timer_start(
                &mine.due, [](uv_timer_t* due) { of(due).run(); },
                static_cast<std::uint64_t>(limit), 0);
    });
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return all.inner.report("libuv");
}
