// SPDX-License-Identifier: MPL-2.0

// states --markdown | --svg: prints a document of the state machines. `./dev states` writes them.

#include "render.hpp"

#include <cstdio>
#include <string_view>

int main(int count, char** words)
{
    const std::string_view wanted = count == 2 ? words[1] : "";
    std::string document;
    if (wanted == "--markdown") {
        document = slk::states::markdown();
    } else if (wanted == "--svg") {
        document = slk::states::svg();
    } else {
        std::fputs("usage: states --markdown | --svg\n", stderr);
        return 2;
    }
    return std::fwrite(document.data(), 1, document.size(), stdout) == document.size() ? 0 : 1;
}
