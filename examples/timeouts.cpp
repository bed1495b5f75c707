// SPDX-License-Identifier: MPL-2.0
// A program with time-outs, on a loop: it asks every second, and gives up after a silence of three
// and a half. It is written once, and runs on a loop of the system or on a simulated one, where an
// hour takes no time.
#include <serverlink/loop.hpp>
#include <serverlink/simulation.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

namespace {

class patient_client {
public:
    explicit patient_client(slk::loop& on) : on_(on) {}

    slk::result<void> start()
    {
        SLK_TRY(ticks_, on_.call_every(1s, [this] { ++asked_; }));
        return heard();
    }
    /// Something has come: the time-out begins again. The handle cancels the call that it had.
    slk::result<void> heard()
    {
        SLK_TRY(silence_, on_.call_after(3500ms, [this] { give_up(); }));
        return {};
    }
    [[nodiscard]] bool gave_up() const { return gave_up_; }
    [[nodiscard]] int asked() const { return asked_; }

private:
    void give_up()
    {
        gave_up_ = true;
        ticks_.cancel();
    }

    slk::loop& on_;
    slk::timer ticks_;
    slk::timer silence_;
    int asked_ = 0;
    bool gave_up_ = false;
};

slk::result<void> run()
{
    SLK_TRY(auto net, slk::simulation::create());
    SLK_TRY(const auto host, net.add_host("client", {*slk::address::parse("10.0.0.1", 0)}));
    SLK_TRY(auto loop, net.create_loop(host)); // instead of slk::loop::create()
    patient_client client(loop);
    SLK_TRY(client.start());
    SLK_TRY(const auto answer, loop.call_after(2s, [&] { (void)client.heard(); }));
    SLK_TRY(loop.run_until([&] { return client.gave_up(); }, 24h));
    std::printf("asked %d times, and gave up\n", client.asked());
    return {};
}

} // namespace

int main()
{
    if (const auto done = run(); !done) {
        std::fprintf(stderr, "%s\n", slk::to_string(done.error()).c_str());
        return 1;
    }
}
