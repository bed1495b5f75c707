// SPDX-License-Identifier: MPL-2.0
#include "measurement.hpp"

#include "process.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace bench {

namespace {

constexpr double limit = 10; ///< seconds, beyond those that a step takes by itself

steady::time_point in_seconds(double seconds)
{
    return steady::now() +
           std::chrono::ceil<steady::duration>(std::chrono::duration<double>(seconds));
}

/// A folder of its own for the socket files of ipc.
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
                                   const contender& by, const arguments& wanted)
{
    std::vector<std::string> words{"--role",      std::move(role),
                                   "--only",      std::string(done.name),
                                   "--contender", std::string(by.name),
                                   "--endpoint",  endpoint,
                                   "--seconds",   std::to_string(wanted.seconds),
                                   "--parent",    std::to_string(getpid())};
    if (wanted.high_water_mark) {
        words.emplace_back("--hwm");
        words.push_back(std::to_string(*wanted.high_water_mark));
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
    bool understood = false;
    if (kind == pattern::stream)
        understood = std::sscanf(line.c_str(), "done %llu %lf", &messages, &into.seconds) == 2;
    else
        understood = std::sscanf(line.c_str(), "done %llu %lf %lf %lf", &messages, &into.p50,
                                 &into.p99, &into.p999) == 4;
    into.messages = messages;
    return understood && messages > 0;
}

/// Waits for what the measuring side has to tell. `other` may be the same process.
sample follow(process& measuring, const process& other, std::string_view role, const work& done,
              const arguments& wanted)
{
    const auto used = [&] {
        return measuring.cpu_seconds() + (&other == &measuring ? 0 : other.cpu_seconds());
    };
    if (!measuring.read_line(in_seconds(warm_up_of(wanted.seconds) + limit)))
        return failed(role, measuring.trouble());
    const double used_before = used();
    const steady::time_point began = steady::now();
    const auto line = measuring.read_line(in_seconds(wanted.seconds + limit));
    if (!line)
        return failed(role, measuring.trouble());
    sample made;
    made.cpu_seconds = used() - used_before;
    made.seconds = std::chrono::duration<double>(steady::now() - began).count();
    if (!read_results(*line, done.kind, made))
        return failed(role, "it said \"" + *line + "\"");
    return made;
}

sample measure_in_one_process(const work& done, const contender& by, const arguments& wanted)
{
    process both(words_for("both", "inproc://stream", done, by, wanted));
    return follow(both, both, "both", done, wanted);
}

sample measure_between_processes(const work& done, const contender& by, const arguments& wanted)
{
    const bool stream = done.kind == pattern::stream;
    const std::string bound_role = stream ? "receiver" : "server";
    const std::string connected_role = stream ? "sender" : "client";
    std::string wildcard = "tcp://127.0.0.1:*";
    std::optional<private_folder> folder;
    if (done.over == transport::ipc)
        wildcard = "ipc://" + folder.emplace().file();

    process bound(words_for(bound_role, wildcard, done, by, wanted));
    const auto line = bound.read_line(in_seconds(limit));
    if (!line)
        return failed(bound_role, bound.trouble());
    constexpr std::string_view word = "bound ";
    if (!line->starts_with(word))
        return failed(bound_role, "it said \"" + *line + "\"");
    process connected(words_for(connected_role, line->substr(word.size()), done, by, wanted));
    return stream ? follow(bound, connected, bound_role, done, wanted)
                  : follow(connected, bound, connected_role, done, wanted);
}

} // namespace

sample measure(const work& done, const contender& by, const arguments& wanted)
{
    return done.over == transport::inproc ? measure_in_one_process(done, by, wanted)
                                          : measure_between_processes(done, by, wanted);
}

double max_measurement(double seconds)
{
    return 3 * limit + warm_up_of(seconds) + seconds;
}

} // namespace bench
