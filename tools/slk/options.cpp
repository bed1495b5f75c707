// SPDX-License-Identifier: MPL-2.0
#include "options.hpp"

#include <serverlink/loop.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace slk::tool {

namespace {

using namespace std::chrono_literals;

struct unit {
    std::string_view name;
    duration length;
};

constexpr std::array units{unit{"us", 1us}, unit{"ms", 1ms}, unit{"s", 1s}, unit{"m", 1min},
                           unit{"h", 1h}};

/// A hundred years. Sums of longer times might not fit into a duration.
constexpr duration max_duration = 24h * 365 * 100;

constexpr auto* reconnecting_group = "Reconnecting: delay n is floor + random(0 to base * 2^n)";

[[noreturn]] void refuse(const std::string& option, std::string_view text, const std::string& why)
{
    throw usage_error(option, "'" + std::string(text) + "' " + why);
}

void set_policy(retry_policy& policy, const std::string& text)
{
    const std::size_t middle = text.find('=');
    if (middle == std::string::npos)
        refuse("--policy", text, "is not CLASS=RULE, for example refused=stop");
    const std::string class_name = text.substr(0, middle);
    const std::string rule_name = text.substr(middle + 1);

    retry_rule rule{};
    if (rule_name == "retry")
        rule = retry_rule::retry;
    else if (rule_name == "slowly")
        rule = retry_rule::retry_slowly;
    else if (rule_name == "stop")
        rule = retry_rule::stop;
    else
        refuse("--policy", rule_name, "is no rule: retry, slowly or stop");

    std::string known;
    for (std::size_t i = 0; i < failure_class_count; ++i) {
        const auto which = static_cast<failure_class>(i);
        if (name_of(which) == class_name) {
            policy.set(which, rule);
            return;
        }
        known += (i == 0 ? "" : ", ") + std::string(name_of(which));
    }
    refuse("--policy", class_name, "is no class of failures: " + known);
}

void set_usefulness(usefulness& into, const std::string& text)
{
    if (text == "first-receive")
        into = usefulness::first_receive;
    else if (text == "connected")
        into = usefulness::connected;
    else if (text == "confirmed")
        refuse("--useful-when", text,
               "is for programs that confirm it: here, use first-receive or connected");
    else
        refuse("--useful-when", text, "is not first-receive or connected");
}

/// Replaces the library's names of options by those of the command line: "reconnect.stable_after"
/// by --stable-after, "tuning.keep_alive.idle" by --keep-alive-idle.
[[nodiscard]] std::string with_option_names(const std::string& text)
{
    std::string shown;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t end = std::min(text.find(' ', i), text.size());
        std::string word = text.substr(i, end - i);
        for (const std::string_view group : {"reconnect.", "tuning."}) {
            if (!word.starts_with(group))
                continue;
            word = "--" + word.substr(group.size());
            std::ranges::replace_if(
                word, [](char each) { return each == '_' || each == '.'; }, '-');
            if (word == "--type-of-service")
                word = "--tos";
        }
        if (i == 0 && word == "peer_timeout")
            word = "--peer-timeout";
        if (i == 0 && word == "routing_id")
            word = "--id";
        shown += (i == 0 ? "" : " ") + word;
        i = end + 1;
    }
    return shown;
}

keep_alive_options& keep_alive_of(tuning_options& tuning)
{
    if (!tuning.keep_alive)
        tuning.keep_alive.emplace();
    return *tuning.keep_alive;
}

} // namespace

duration parse_duration(const std::string& option, std::string_view text)
{
    static constexpr auto* expected =
        "is not a duration such as 100ms, 5s or 1m (units: us, ms, s, m, h)";
    const std::size_t end = text.find_first_not_of("0123456789.");
    const std::string digits(text.substr(0, end));
    const std::string_view name = end == std::string_view::npos ? "" : text.substr(end);

    char* stopped = nullptr;
    const double number = std::strtod(digits.c_str(), &stopped);
    if (digits.empty() || *stopped != '\0')
        refuse(option, text, expected);
    if (name.empty()) {
        if (number != 0)
            refuse(option, text, "has no unit: us, ms, s, m or h");
        return duration::zero();
    }
    for (const unit& known : units) {
        if (known.name != name)
            continue;
        const double value = number * static_cast<double>(known.length.count());
        if (value > static_cast<double>(max_duration.count()))
            refuse(option, text, "is longer than 100 years");
        return duration(std::llround(value));
    }
    refuse(option, text, expected);
}

void add_duration(command& to, option about, std::function<void(duration)> given)
{
    about.type = "DURATION";
    to.text(about, [name = about.name, given = std::move(given)](const std::string& text) {
        given(parse_duration(name, text));
    });
}

void add_duration(command& to, option about, duration& into)
{
    add_duration(to, std::move(about), [&into](duration value) { into = value; });
}

void add_duration(command& to, option about, std::optional<duration>& into)
{
    add_duration(to, std::move(about), [&into](duration value) { into = value; });
}

void add_delay_options(command& to, reconnect_options& into)
{
    const auto add = [&to](std::string name, duration& value, std::string help,
                           std::string fallback) {
        add_duration(to,
                     {.name = std::move(name),
                      .help = std::move(help),
                      .fallback = std::move(fallback),
                      .group = reconnecting_group},
                     value);
    };
    add("--base", into.base, "Where the delay's growth starts; 0: retry at once", "100ms");
    add("--floor", into.floor, "Added to every delay", "100ms");
    add("--cap", into.cap, "Limit of the random part", "5s");
    add("--connect-timeout", into.connect_timeout, "Deadline of one attempt; 0: the system's",
        "5s");
    add("--stable-after", into.stable_after,
        "A connection that was useful, and is this old, resets the delay", "1s");
    to.text({.name = "--useful-when",
             .help = "What proves a connection good: first-receive or connected",
             .type = "WHEN",
             .fallback = "first-receive",
             .group = reconnecting_group,
             .values = {"first-receive", "connected"}},
            [&into](const std::string& text) { set_usefulness(into.useful_when, text); });
    to.flag({.name = "--spread",
             .help = "Delay the first attempt as well, by random(0 to base)",
             .group = reconnecting_group},
            into.spread_first_attempt);
}

void add_reconnect_options(command& to, reconnect_options& into)
{
    add_delay_options(to, into);
    add_duration(to,
                 {.name = "--address-stagger",
                  .help = "Time until a name's next address joins the race (100ms to 2s)",
                  .fallback = "250ms",
                  .group = reconnecting_group},
                 into.address_stagger);
    to.flag({.name = "--never",
             .help = "No retry: the first failure ends",
             .group = reconnecting_group,
             .excludes = {"--base"}},
            [&into] { into.base = reconnect_never; });
    to.flag({.name = "--stop-on-refused",
             .help = "Same as --policy refused=stop",
             .group = reconnecting_group},
            [&into] { into.policy.set(failure_class::refused, retry_rule::stop); });
    to.texts({.name = "--policy",
              .help = "Rule for a class of failures: retry, slowly or stop; may be repeated",
              .type = "CLASS=RULE",
              .group = reconnecting_group},
             [&into](const std::vector<std::string>& texts) {
                 for (const std::string& text : texts)
                     set_policy(into.policy, text);
             });
}

namespace {

constexpr auto* socket_group = "Socket";

void add_keep_alive_options(command& to, tuning_options& into)
{
    to.flag({.name = "--keep-alive",
             .help = "Probe idle connections [system's default]",
             .group = socket_group},
            [&into] { keep_alive_of(into).enabled = true; });
    to.flag({.name = "--no-keep-alive",
             .help = "Never probe idle connections",
             .group = socket_group,
             .excludes = {"--keep-alive"}},
            [&into] { keep_alive_of(into).enabled = false; });
    const auto add_time = [&](std::string name, duration keep_alive_options::* member,
                              std::string help, std::string fallback) {
        add_duration(to,
                     {.name = std::move(name),
                      .help = std::move(help),
                      .fallback = std::move(fallback),
                      .group = socket_group,
                      .excludes = {"--no-keep-alive"}},
                     [member, &into](duration value) { keep_alive_of(into).*member = value; });
    };
    add_time("--keep-alive-idle", &keep_alive_options::idle,
             "Probe after this long without data (1s to 32767s)", "30s");
    add_time("--keep-alive-interval", &keep_alive_options::interval,
             "Time between probes (1s to 32767s)", "10s");
    to.number<int>({.name = "--keep-alive-count",
                    .help = "Unanswered probes that end the connection (0 to 127; 0: as the "
                            "system has it)",
                    .type = "N",
                    .fallback = "3",
                    .group = socket_group,
                    .excludes = {"--no-keep-alive"}},
                   [&into](int count) { keep_alive_of(into).count = count; });
}

} // namespace

void add_tuning_options(command& to, tuning_options& into, bool with_device)
{
    to.flag({.name = "--no-delay",
             .help = "Send small messages at once (TCP_NODELAY); this is the default",
             .group = socket_group},
            [&into] { into.no_delay = true; });
    to.flag({.name = "--delay",
             .help = "Let the system gather small messages (Nagle)",
             .group = socket_group,
             .excludes = {"--no-delay"}},
            [&into] { into.no_delay = false; });
    add_keep_alive_options(to, into);
    to.number({.name = "--send-buffer",
               .help = "Send buffer [system's default]",
               .type = "BYTES",
               .group = socket_group},
              into.send_buffer);
    to.number({.name = "--receive-buffer",
               .help = "Receive buffer [system's default]",
               .type = "BYTES",
               .group = socket_group},
              into.receive_buffer);
    to.number({.name = "--tos",
               .help = "DSCP and ECN byte (0 to 255)",
               .type = "BYTE",
               .group = socket_group},
              into.type_of_service);
    add_duration(to,
                 {.name = "--user-timeout",
                  .help = "End when sent data stays unacknowledged this long [system's default]",
                  .group = socket_group},
                 into.user_timeout);
    if (with_device)
        to.text({.name = "--device",
                 .help = "Network interface to use (Linux)",
                 .type = "NAME",
                 .group = socket_group},
                into.device);
}

void add_http_option(command& to, std::optional<std::string>& address)
{
    to.optional_text(
        {.name = "--http",
         .help = "Show what happens on a web page, and the numbers at /metrics; prints its "
                 "address. --http=ADDRESS:PORT is served there; without an address on any free "
                 "port of this machine"},
        "127.0.0.1:0", [&address](const std::string& text) { address = text; });
}

void add_backend_option(command& to, std::string& into)
{
    std::vector<std::string> names;
    for (const std::string_view compiled : loop::compiled_backends())
        names.emplace_back(compiled);
    to.text({.name = "--backend",
             .help = "One of `slk version` [the best]",
             .type = "NAME",
             .values = names},
            [&into](const std::string& name) {
                std::string known;
                for (const std::string_view compiled : loop::compiled_backends()) {
                    known += (known.empty() ? "" : ", ") + std::string(compiled);
                    if (compiled == name)
                        into = name;
                }
                if (into != name || name.empty())
                    refuse("--backend", name, "is no backend of this build: " + known);
            });
}

endpoint parse_endpoint(const std::string& text)
{
    auto parsed = endpoint::parse(text);
    if (!parsed) {
        const char* why = parsed.error().detail;
        throw usage_error("ENDPOINT", "'" + text + "' is no endpoint: " +
                                          (why != nullptr ? why : "invalid_argument"));
    }
    return *std::move(parsed);
}

address parse_source(const std::string& option, const std::string& text)
{
    if (const auto alone = address::parse(text, 0))
        return *alone;
    // ADDRESS:PORT is the source part of an endpoint.
    const auto whole = endpoint::parse("tcp://" + text + ";127.0.0.1:1");
    const auto read = whole ? address::parse(whole->source, whole->source_port)
                            : result<address>(unexpected(whole.error()));
    if (!read)
        refuse(option, text, "is not a numeric ADDRESS or ADDRESS:PORT");
    return *read;
}

void require_valid(const result<void>& checked)
{
    if (!checked)
        throw usage_error(checked.error().detail != nullptr
                              ? with_option_names(checked.error().detail)
                              : to_string(checked.error()));
}

} // namespace slk::tool
