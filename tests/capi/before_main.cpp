// SPDX-License-Identifier: MPL-2.0

// Chapter 1: the API works from the constructors of static objects, in C++, and until the end.

#include "sockets.h"

#include <cstring>

namespace {

struct seen_before_main {
    bool inproc = false;
    bool tcp = false;
    bool has_ended = false;
};

bool passes_a_message(slk_ctx_t* ctx, const char* endpoint)
{
    slk_socket_t* const bound = slk_socket(ctx, SLK_PAIR);
    slk_socket_t* const connected = slk_socket(ctx, SLK_PAIR);
    const int timeout = 10000;
    char name[256];
    std::size_t size = sizeof name;
    char text[8];
    const bool passed =
        slk_setsockopt(bound, SLK_RCVTIMEO, &timeout, sizeof timeout) == 0 &&
        slk_bind(bound, endpoint) == 0 &&
        slk_getsockopt(bound, SLK_LAST_ENDPOINT, name, &size) == 0 &&
        slk_connect(connected, name) == 0 && slk_send(connected, "early", 5, 0) == 5 &&
        slk_recv(bound, text, sizeof text, 0) == 5 && std::memcmp(text, "early", 5) == 0;
    return slk_close(bound) == 0 && slk_close(connected) == 0 && passed;
}

seen_before_main try_it()
{
    seen_before_main seen;
    slk_ctx_t* const ctx = slk_ctx_new();
    seen.inproc = passes_a_message(ctx, "inproc://early");
    seen.tcp = passes_a_message(ctx, "tcp://127.0.0.1:*");
    slk_ctx_destroy(ctx);
    seen.has_ended = true;
    return seen;
}

// One that is kept, and used in main; its destructor runs after main.
class kept_context {
public:
    kept_context()
        : ctx_(slk_ctx_new()), bound_(slk_socket(ctx_, SLK_PAIR)),
          connected_(slk_socket(ctx_, SLK_PAIR))
    {
        slk_bind(bound_, "inproc://kept");
        slk_connect(connected_, "inproc://kept");
        slk_send(connected_, "from before", 11, 0);
    }
    ~kept_context()
    {
        slk_send(connected_, "after main", 10, SLK_DONTWAIT);
        slk_close(bound_);
        // The other one is still open.
        slk_ctx_destroy(ctx_);
    }
    kept_context(const kept_context&) = delete;
    kept_context& operator=(const kept_context&) = delete;

    [[nodiscard]] slk_socket_t* bound() const { return bound_; }

private:
    slk_ctx_t* ctx_;
    slk_socket_t* bound_;
    slk_socket_t* connected_;
};

#ifdef __GNUC__
bool constructor_function_passed = false;

// Before the static objects of this file.
__attribute__((constructor(101))) void run_first()
{
    constructor_function_passed = try_it().tcp;
}
#endif

const seen_before_main seen = try_it();
const kept_context kept;

void used_before_main()
{
    CHECK(seen.inproc);
    CHECK(seen.tcp);
    CHECK(seen.has_ended);
}

void used_by_a_constructor_function()
{
#ifdef __GNUC__
    CHECK(constructor_function_passed);
#else
    skip("needs the attribute of gcc");
#endif
}

void kept_until_after_main()
{
    CHECK_RECV_LAST(kept.bound(), "from before");
}

} // namespace

extern "C" {
extern CASES(before_main);
CASES(before_main) = {
    {"the API is used before main()", used_before_main},
    {"the API is used by a constructor function", used_by_a_constructor_function},
    {"sockets of before main() are used in it", kept_until_after_main},
    END_OF_CASES,
};
}
