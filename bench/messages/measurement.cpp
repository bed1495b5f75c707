// SPDX-License-Identifier: MPL-2.0
#include "measurement.hpp"

#include "tools/support/child_process.hpp"
#include "tools/support/output_lines.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bench {

namespace {

constexpr double extra_time = 10; ///< seconds, beyond those that a step takes by itself
constexpr double time_to_subscribe = 120; ///< to many topics

/// This program once more, in one role.
class role_process {
public:
    role_process(std::vector<std::string> words, std::string_view libraries)
    {
        std::vector<std::string> program{slk::tool::path_of_this_program("")};
        if (!libraries.empty())
            program.insert(program.begin(), {"env", "LD_LIBRARY_PATH=" + std::string(libraries)});
        words.insert(words.begin(), program.begin(), program.end());
        try {
            process_.emplace(std::move(words), slk::tool::error_output::inherited,
                             [this](std::string_view bytes) { lines_.add(bytes); });
        } catch (const std::runtime_error& failure) {
            failure_ = failure.what();
        }
    }

    /// The next line of its output. Nothing, and failure() is the reason: it has ended, or the
    /// time has passed.
    std::optional<std::string> read_line(double seconds)
    {
        if (!process_)
            return std::nullopt;
        auto line =
            lines_.next(std::chrono::ceil<slk::duration>(std::chrono::duration<double>(seconds)));
        if (!line)
            failure_ = lines_.ended() ? end_of_process() : "it printed nothing in time";
        return line;
    }
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

    /// Of all its threads, so far.
    [[nodiscard]] double cpu_seconds()
    {
        const auto used = process_ ? process_->processor_time() : std::nullopt;
        return std::chrono::duration<double>(used.value_or(slk::duration::zero())).count();
    }

private:
    /// Its output has ended, so it is about to end; if not, its alarm ends it.
    std::string end_of_process()
    {
        process_->wait();
        const auto code = process_->exit_code();
        return code ? "it ended with status " + std::to_string(*code) : "it was killed or crashed";
    }

    slk::tool::output_lines lines_; // outlives the process, whose reader adds to it
    std::optional<slk::tool::child_process> process_;
    std::string failure_;
};

/// A new folder, for the socket files of ipc.
class private_folder {
public:
    private_folder()
    {
        std::error_code failure;
        path_ = std::filesystem::temp_directory_path(failure).string() + "/bench-messages-XXXXXX";
        if (mkdtemp(path_.data()) == nullptr)
            path_.clear();
    }
    ~private_folder()
    {
        std::error_code failure;
        if (!path_.empty())
            std::filesystem::remove_all(path_, failure);
    }
    private_folder(const private_folder&) = delete;
    private_folder& operator=(const private_folder&) = delete;

    [[nodiscard]] std::string file() const { return path_ + "/socket"; }

private:
    std::string path_;
};

std::vector<std::string> words_for(std::string role, const std::string& endpoint, const work& done,
                                   const contender& by, const arguments& options)
{
    std::vector<std::string> words{"--role",      std::move(role),
                                   "--only",      std::string(done.name),
                                   "--contender", std::string(by.name),
                                   "--endpoint",  endpoint,
                                   "--seconds",   std::to_string(options.seconds),
                                   "--parent",    std::to_string(getpid())};
    if (options.high_water_mark) {
        words.emplace_back("--hwm");
        words.push_back(std::to_string(*options.high_water_mark));
    }
    return words;
}

sample failed(std::string_view role, std::string_view why)
{
    sample made;
    made.failure = std::string(role) + ": " + std::string(why);
    return made;
}

bool read_results(const std::string& line, pattern kind, sample& into)
{
    unsigned long long messages = 0;
    bool is_report = false;
    if (!is_timed(kind))
        is_report = std::sscanf(line.c_str(), "done %llu %lf", &messages, &into.seconds) == 2;
    else
        is_report = std::sscanf(line.c_str(), "done %llu %lf %lf %lf", &messages, &into.p50,
                                &into.p99, &into.p999) == 4;
    into.messages = messages;
    return is_report && messages > 0;
}

/// Reads the reports of the measuring side. `others`: the other processes that work.
sample follow(role_process& measuring, std::initializer_list<role_process*> others,
              std::string_view role, const work& done, const arguments& options)
{
    const auto used = [&] {
        double sum = measuring.cpu_seconds();
        for (role_process* const each : others)
            sum += each->cpu_seconds();
        return sum;
    };
    const double preparing = done.kind == pattern::topics ? time_to_subscribe : extra_time;
    if (!measuring.read_line(warm_up_of(options.seconds) + preparing))
        return failed(role, measuring.failure());
    const double used_before = used();
    const steady::time_point began = steady::now();
    const auto line = measuring.read_line(options.seconds + extra_time);
    if (!line)
        return failed(role, measuring.failure());
    sample made;
    made.cpu_seconds = used() - used_before;
    made.seconds = std::chrono::duration<double>(steady::now() - began).count();
    if (!read_results(*line, done.kind, made))
        return failed(role, "it printed \"" + *line + "\"");
    return made;
}

/// The endpoints that a process prints once it is bound. Nothing: as role_process::read_line().
std::optional<std::string> read_bound(role_process& from)
{
    constexpr std::string_view intro = "bound ";
    const auto line = from.read_line(extra_time);
    return line && line->starts_with(intro) ? std::optional(line->substr(intro.size()))
                                            : std::nullopt;
}

sample measure_in_one_process(const work& done, const contender& by, const arguments& options)
{
    role_process both(words_for("both", "inproc://stream", done, by, options), by.libraries);
    return follow(both, {}, "both", done, options);
}

sample measure_between_processes(const work& done, const contender& by, const arguments& options)
{
    const bool stream = done.kind == pattern::stream;
    const bool publishes = done.kind == pattern::fan_out || done.kind == pattern::topics;
    const std::string bound_role = publishes ? "publisher" : stream ? "receiver" : "server";
    const std::string connected_role = publishes ? "subscribers" : stream ? "sender" : "client";
    std::string wildcard = "tcp://127.0.0.1:*";
    std::optional<private_folder> folder;
    if (done.over == transport::ipc)
        wildcard = "ipc://" + folder.emplace().file();

    role_process bound(words_for(bound_role, wildcard, done, by, options), by.libraries);
    const auto where = read_bound(bound);
    if (!where)
        return failed(bound_role, bound.failure());
    role_process connected(words_for(connected_role, *where, done, by, options), by.libraries);
    return stream ? follow(bound, {&connected}, bound_role, done, options)
                  : follow(connected, {&bound}, connected_role, done, options);
}

sample measure_by_a_proxy(const work& done, const contender& by, const arguments& options)
{
    role_process proxy(words_for("proxy", "tcp://127.0.0.1:*", done, by, options), by.libraries);
    const auto where = read_bound(proxy);
    if (!where)
        return failed("proxy", proxy.failure());
    const std::size_t blank = where->find(' ');
    role_process receiver(words_for("receiver", where->substr(blank + 1), done, by, options),
                          by.libraries);
    role_process sender(words_for("sender", where->substr(0, blank), done, by, options),
                        by.libraries);
    return follow(receiver, {&proxy, &sender}, "receiver", done, options);
}

} // namespace

sample measure(const work& done, const contender& by, const arguments& options)
{
    if (has_proxy(done.kind))
        return measure_by_a_proxy(done, by, options);
    return done.over == transport::inproc ? measure_in_one_process(done, by, options)
                                          : measure_between_processes(done, by, options);
}

double max_measurement(double seconds)
{
    return 2 * extra_time + time_to_subscribe + warm_up_of(seconds) + seconds;
}

} // namespace bench
