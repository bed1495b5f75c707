// SPDX-License-Identifier: MPL-2.0
// A message over tcp, and the page: what a user's program needs of the packages.
#include <serverlink/http.hpp>
#include <serverlink/serverlink.hpp>

#include <chrono>
#include <cstdio>

static slk::result<void> hello()
{
    SLK_TRY(auto in, slk::context::create());
    SLK_TRY(auto page, slk::http_server::create(in));
    SLK_TRY(auto pull, slk::pull::create(in));
    SLK_TRY(const auto where, pull.bind("tcp://127.0.0.1:0"));
    SLK_TRY(auto push, slk::push::create(in));
    SLK_TRY(push.connect(where));
    SLK_TRY(push.send("hello"));
    slk::message next;
    SLK_TRY(pull.receive(next, std::chrono::seconds(30)));
    std::printf("%.*s from C++, %s\n", static_cast<int>(next.size()), next.text().data(),
                page.url().c_str());
    return {};
}

int main()
{
    const auto said = hello();
    if (!said)
        std::fprintf(stderr, "%s\n", slk::to_string(said.error()).c_str());
    return said ? 0 : 1;
}
