// SPDX-License-Identifier: MPL-2.0
// A server and its client as two tasks on one loop.
#include <serverlink/coroutine.hpp>
#include <serverlink/serverlink.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using namespace std::chrono_literals;

// part: tasks
static slk::task<> serve(slk::rep& rep)
{
    for (slk::message request;;) {
        SLK_CO_TRY(co_await slk::async_receive(rep, request));
        SLK_CO_TRY(co_await slk::async_send(rep, std::move(request)));
    }
}

static slk::task<> ask(slk::req& req)
{
    for (int number = 1; number <= 3; ++number) {
        SLK_CO_TRY(co_await slk::async_send(req, std::to_string(number)));
        slk::message reply;
        SLK_CO_TRY(co_await slk::with_timeout(30s, slk::async_receive(req, reply)));
        std::printf("%.*s\n", static_cast<int>(reply.size()), reply.text().data());
    }
    co_return {};
}
// end

// part: loop
static slk::result<void> run()
{
    SLK_TRY(auto loop, slk::loop::create());
    SLK_TRY(auto in, slk::context::on(loop)); // the loop of the tasks carries the bytes, too
    SLK_TRY(auto rep, slk::rep::create(in));
    SLK_TRY(const std::string where, rep.bind("tcp://127.0.0.1:0"));
    SLK_TRY(auto req, slk::req::create(in));
    SLK_TRY(req.connect(where));

    SLK_TRY(slk::spawn(loop, serve(rep))); // goes on until it fails, or the loop ends
    return slk::run_task(loop, ask(req));
}
// end

int main()
{
    const auto ran = run();
    if (!ran)
        std::fprintf(stderr, "%s\n", slk::to_string(ran.error()).c_str());
    return ran ? 0 : 1;
}
