// SPDX-License-Identifier: MPL-2.0
#include "contenders.hpp"
#include "stopwatch.hpp"

#include <uv.h>

#include <deque>

namespace bench {

namespace {

struct run_state {
    uv_loop_t loop{};
    sockaddr_in target{};
    connect_work work{};
    std::uint64_t begun = 0;
    std::uint64_t failures = 0;
};

struct uv_connecter {
    run_state* run = nullptr;
    uv_tcp_t handle{};
    uv_connect_t request{};

    void begin()
    {
        if (run->begun == run->work.connects)
            return;
        ++run->begun;
        uv_tcp_init(&run->loop, &handle);
        handle.data = this;
        const auto* const target = reinterpret_cast<const sockaddr*>(&run->target);
        uv_tcp_connect(&request, &handle, target, [](uv_connect_t* self, int status) {
            auto* const owner = static_cast<uv_connecter*>(self->handle->data);
            owner->run->failures += status != 0;
            uv_tcp_nodelay(&owner->handle, 1);
            uv_tcp_close_reset(&owner->handle, [](uv_handle_t* closed) {
                static_cast<uv_connecter*>(closed->data)->begin();
            });
        });
    }
};

} // namespace

connect_outcome connect_with_libuv(const connect_work& work)
{
    run_state run;
    run.work = work;
    uv_loop_init(&run.loop);
    uv_ip4_addr("127.0.0.1", work.port, &run.target);
    std::deque<uv_connecter> connecters(work.in_flight);

    const stopwatch watch;
    for (uv_connecter& each : connecters) {
        each.run = &run;
        each.begin();
    }
    uv_run(&run.loop, UV_RUN_DEFAULT);
    const connect_outcome outcome = watch.stop(run.failures);
    uv_loop_close(&run.loop);
    return outcome;
}

} // namespace bench
