// SPDX-License-Identifier: MPL-2.0
// The page and /metrics of a program's context: page [SECONDS].
#include <serverlink/http.hpp>
#include <serverlink/serverlink.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

static slk::result<void> run(int seconds)
{
    SLK_TRY(auto in, slk::context::create());
    SLK_TRY(auto page, slk::http_server::create(in, {.address = "127.0.0.1:0"}));
    std::printf("%s\n", page.url().c_str());
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::seconds(seconds)); // the program's own work
    return {};
}

int main(int count, char** words)
{
    const auto ran = run(count > 1 ? std::atoi(words[1]) : 0);
    if (!ran)
        std::fprintf(stderr, "%s\n", slk::to_string(ran.error()).c_str());
    return ran ? 0 : 1;
}
