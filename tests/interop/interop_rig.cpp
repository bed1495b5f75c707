// SPDX-License-Identifier: MPL-2.0
#include "interop_rig.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>

#include <unistd.h>

namespace slk::testing {

test_endpoint::test_endpoint(transport of)
{
    static std::atomic<int> number{0};
    const std::string name =
        "slk-interop-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
    switch (of) {
    case transport::tcp: text_ = any_tcp; return;
    case transport::ipc_file:
        file_ = (std::filesystem::temp_directory_path() / name).string();
        text_ = "ipc://" + file_;
        return;
    case transport::ipc_abstract: text_ = "ipc://@" + name; return;
    }
}

test_endpoint::~test_endpoint()
{
    std::error_code already_removed;
    if (!file_.empty())
        std::filesystem::remove(file_, already_removed);
}

routed_parts receive_routed(router& ours, const timeout& limit)
{
    routed_parts got;
    multipart whole;
    if (ours.receive(got.from, whole, limit))
        got.whole = texts_of(whole);
    return got;
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
