// SPDX-License-Identifier: MPL-2.0
#include "rig.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <unistd.h>

namespace slk::testing {

context make_context(int threads)
{
    context_options options{.threads = threads};
    if (const char* const backend = std::getenv("SLK_TEST_BACKEND"); backend != nullptr)
        options.loop.backend = backend;
    auto made = context::create(options);
    REQUIRE_MESSAGE(made.has_value(), to_string(made.error()));
    return std::move(*made);
}

std::string bind_at(socket& which, const std::string& wanted)
{
    const auto bound = which.bind(wanted);
    REQUIRE_MESSAGE(bound.has_value(), to_string(bound.error()));
    return *bound;
}

void connect_to(socket& which, const std::string& endpoint)
{
    const auto connected = which.connect(endpoint);
    REQUIRE_MESSAGE(connected.has_value(), to_string(connected.error()));
}

meeting_place::meeting_place(kind of)
{
    static std::atomic<int> number{0};
    const std::string name =
        "slk-interop-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
    switch (of) {
    case kind::tcp: text_ = "tcp://127.0.0.1:*"; return;
    case kind::ipc_file:
        file_ = (std::filesystem::temp_directory_path() / name).string();
        text_ = "ipc://" + file_;
        return;
    case kind::ipc_abstract: text_ = "ipc://@" + name; return;
    }
}

meeting_place::~meeting_place()
{
    std::error_code gone_already;
    if (!file_.empty())
        std::filesystem::remove(file_, gone_already);
}

bool until(const std::function<bool()>& reached, std::chrono::milliseconds timeout)
{
    const auto end = std::chrono::steady_clock::now() + timeout;
    while (!reached()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

routed_parts receive_routed(router& ours, const timeout& timeout)
{
    routed_parts got;
    multipart whole;
    if (ours.receive(got.from, whole, timeout))
        got.whole = to_parts(whole);
    return got;
}

endpoint_status status_of(const socket& which)
{
    const auto all = which.endpoints();
    REQUIRE(all.size() == 1);
    return all.front();
}

bool have_pyzmq()
{
    return std::getenv("SLK_PYZMQ") != nullptr && std::getenv("SLK_SOURCE_ROOT") != nullptr;
}

std::vector<std::string> peer_program(const std::string& name, std::vector<std::string> arguments)
{
    if (!have_pyzmq())
        return {};
    std::vector<std::string> words = {std::getenv("SLK_PYZMQ"), "-u",
                                      std::string(std::getenv("SLK_SOURCE_ROOT")) +
                                          "/tests/interop/peers/" + name};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
}

} // namespace slk::testing
