// SPDX-License-Identifier: MPL-2.0
#include "contender.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace bench {

namespace {

std::vector<contender> make_contenders()
{
    std::vector<contender> all = {
#if BENCH_LIBZMQ
        libzmq_contender(),
#else
        {libzmq_name, "libzmq", "it was not found (libzmq3-dev)"},
#endif
#if BENCH_NNG
        nng_contender(),
#else
        {"nng", "nng", "it was not found (libnng-dev)"},
#endif
        bare_contender(),
    };
    add_serverlink_contenders(all);
#if BENCH_CAPI
    all.push_back(serverlink_c_contender());
#endif
#if BENCH_LIBZMQ && defined(BENCH_STAND_IN)
    contender stand_in = libzmq_contender();
    stand_in.name = "serverlink-zmq";
    stand_in.title = "serverlink, as libzmq";
    stand_in.only_by_name = true;
    stand_in.libraries = BENCH_STAND_IN;
    all.push_back(stand_in);
#endif
    return all;
}

} // namespace

const std::vector<contender>& all_contenders()
{
    static const std::vector<contender> all = make_contenders();
    return all;
}

const contender* find_contender(std::string_view name)
{
    const std::vector<contender>& all = all_contenders();
    const auto found = std::ranges::find(all, name, &contender::name);
    return found == all.end() ? nullptr : &*found;
}

void give_up(std::string_view what, std::string_view why)
{
    std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
                 static_cast<int>(why.size()), why.data());
    // Threads of a library may still run: no destructors.
    std::_Exit(1);
}

} // namespace bench
