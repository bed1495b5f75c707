// SPDX-License-Identifier: MPL-2.0

// libFuzzer calls this with each input. The build sets the target's name.

#include "targets.hpp"

#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    for (const slk::fuzz::target& each : slk::fuzz::targets()) {
        if (std::string_view(each.name) != SLK_FUZZ_TARGET)
            continue;
        const char* const broken = each.run(std::as_bytes(std::span(data, size)));
        if (broken != nullptr) {
            std::fprintf(stderr, "%s: %s\n", each.name, broken);
            std::abort();
        }
    }
    return 0;
}
