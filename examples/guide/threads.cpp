// SPDX-License-Identifier: MPL-2.0
// Work for several threads: each has sockets of its own, and inproc carries the messages.
#include <serverlink/serverlink.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

using namespace std::chrono_literals;

// part: worker
static slk::result<void> work(slk::context& in, const std::stop_token& stop)
{
    SLK_TRY(auto jobs, slk::pull::create(in));
    SLK_TRY(jobs.connect("inproc://jobs"));
    SLK_TRY(auto results, slk::push::create(in));
    SLK_TRY(results.connect("inproc://results"));
    slk::message job;
    while (true) {
        SLK_TRY(jobs.receive(job, stop));
        int number = 0;
        std::from_chars(job.text().data(), job.text().data() + job.size(), number);
        SLK_TRY(results.send(std::to_string(number * number), stop));
    }
}
// end

// part: main
static slk::result<void> run()
{
    SLK_TRY(auto in, slk::context::create()); // used by all threads
    SLK_TRY(auto jobs, slk::push::create(in));
    SLK_TRY(jobs.bind("inproc://jobs"));
    SLK_TRY(auto results, slk::pull::create(in));
    SLK_TRY(results.bind("inproc://results"));

    std::array<std::jthread, 4> workers;
    for (std::jthread& worker : workers)
        worker = std::jthread([&in](const std::stop_token& stop) { (void)work(in, stop); });

    for (int number = 1; number <= 100; ++number)
        SLK_TRY(jobs.send(std::to_string(number), 30s));
    int sum = 0;
    for (int count = 0; count < 100; ++count) {
        slk::message result;
        SLK_TRY(results.receive(result, 30s));
        int square = 0;
        std::from_chars(result.text().data(), result.text().data() + result.size(), square);
        sum += square;
    }
    std::printf("%d\n", sum);
    return {}; // the end of each std::jthread requests a stop, and waits
}
// end

int main()
{
    const auto ran = run();
    if (!ran)
        std::fprintf(stderr, "%s\n", slk::to_string(ran.error()).c_str());
    return ran ? 0 : 1;
}
