// SPDX-License-Identifier: MPL-2.0
#include "chart.hpp"

#include "format.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace bench {

namespace {

constexpr int width = 960;
constexpr int left = 150;  ///< of the plots; the works' titles are beside them
constexpr int right = 900; ///< the last figure may stick out
constexpr int head = 74;   ///< title and legend
constexpr int bar_height = 13;
constexpr int bar_step = 16;
constexpr int group_gap = 14;
constexpr int panel_gap = 14;
constexpr int panel_head = 46; ///< its title, and the labels of its axis
constexpr int foot = 24;

/// In the order of all_contenders().
constexpr std::array<std::string_view, 8> colours = {"#a33c6b", "#b8680b", "#90a4ae", "#1a6fb0",
                                                     "#5fa8d3", "#2e7d4f", "#7a5195", "#8a6d1f"};
constexpr std::string_view target_colour = "#c0392b";

std::string_view colour_of(const contender& one)
{
    return colours[static_cast<std::size_t>(&one - all_contenders().data()) % colours.size()];
}

struct bar {
    const contender* by;
    spread ratio;
};

struct group {
    const work* done;
    std::vector<bar> bars{};
};

struct panel {
    std::string_view title;
    std::vector<group> groups{};
    // Powers of two where the axis begins and ends.
    int lowest = -1;
    int highest = 1;

    [[nodiscard]] double x_of(double ratio) const
    {
        const double place = std::clamp(std::log2(ratio), double(lowest), double(highest));
        return left + (right - left) * (place - lowest) / (highest - lowest);
    }
    [[nodiscard]] int height() const
    {
        int sum = panel_head + panel_gap;
        for (const group& each : groups)
            sum += static_cast<int>(each.bars.size()) * bar_step + group_gap;
        return sum;
    }
};

class drawing {
public:
    explicit drawing(const std::vector<outcome>& all);
    std::string draw();

private:
    void collect(const outcome& of, panel& into);
    void note_in_legend(const contender& one);
    void draw_legend();
    void draw_panel(const panel& each, int top);
    void draw_axis(const panel& each, int top, int bottom);
    void draw_group(const panel& in, const group& each, int top);
    void draw_bar(const panel& in, const bar& each, int top);
    void draw_figure(const panel& in, const bar& each, int top);

    std::string_view compared_with_;
    std::string title_;
    std::vector<const contender*> drawn_;
    std::array<panel, 2> panels_{panel{"streams: messages per second; more is better"},
                                 panel{"round trips: time of one way (p50); less is better"}};
    std::string out_;
};

drawing::drawing(const std::vector<outcome>& all)
{
    const auto takes_part = [&](std::string_view name) {
        return std::ranges::any_of(all, [&](const outcome& each) {
            const series* const found = each.find(name);
            return found != nullptr && spread_of(*each.done, *found, score);
        });
    };
    compared_with_ = takes_part(libzmq_name) ? libzmq_name : bare_name;
    if (const contender* const reference = find_contender(compared_with_))
        title_ = "Messages, compared with " + reference->title;
    for (const outcome& each : all)
        collect(each, panels_[each.done->kind == pattern::stream ? 0 : 1]);
}

void drawing::collect(const outcome& of, panel& into)
{
    const series* const reference = of.find(compared_with_);
    group made{of.done};
    for (const series& each : of.all) {
        const auto ratio = ratios(*of.done, each, reference);
        if (&each == reference || !ratio)
            continue;
        note_in_legend(*each.by);
        made.bars.push_back({each.by, *ratio});
        into.lowest = std::min(into.lowest, static_cast<int>(std::floor(std::log2(ratio->lowest))));
        into.highest =
            std::max(into.highest, static_cast<int>(std::ceil(std::log2(ratio->highest))));
    }
    if (!made.bars.empty())
        into.groups.push_back(std::move(made));
}

void drawing::note_in_legend(const contender& one)
{
    if (std::ranges::find(drawn_, &one) == drawn_.end())
        drawn_.push_back(&one);
}

std::string drawing::draw()
{
    int height = head + foot;
    for (const panel& each : panels_)
        height += each.groups.empty() ? 0 : each.height();
    append(out_,
           "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
           "height=\"%d\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n"
           "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
           width, height, width, height, width, height);
    append(out_, "<text x=\"24\" y=\"28\" font-size=\"17\" font-weight=\"bold\">%s</text>\n",
           title_.c_str());
    draw_legend();
    int top = head;
    for (const panel& each : panels_) {
        if (each.groups.empty())
            continue;
        draw_panel(each, top);
        top += each.height();
    }
    out_ += "</svg>\n";
    return out_;
}

void drawing::draw_legend()
{
    int x = 24;
    for (const contender* const each : drawn_) {
        append(out_,
               "<rect x=\"%d\" y=\"43\" width=\"12\" height=\"12\" fill=\"%s\"/>"
               "<text x=\"%d\" y=\"54\">%s</text>\n",
               x, colour_of(*each).data(), x + 18, each->title.c_str());
        x += 40 + 7 * static_cast<int>(each->title.size());
    }
    append(out_,
           "<path d=\"M%d 42v14\" stroke=\"%s\" stroke-width=\"2\" stroke-dasharray=\"3 2\"/>"
           "<text x=\"%d\" y=\"54\">serverlink's target</text>\n",
           x + 4, target_colour.data(), x + 12);
}

void drawing::draw_panel(const panel& each, int top)
{
    append(out_, "<text x=\"24\" y=\"%d\" font-weight=\"bold\">%.*s</text>\n", top + 14,
           static_cast<int>(each.title.size()), each.title.data());
    const int bottom = top + each.height() - panel_gap - group_gap / 2;
    draw_axis(each, top + panel_head - 6, bottom);
    int y = top + panel_head;
    for (const group& one : each.groups) {
        draw_group(each, one, y);
        y += static_cast<int>(one.bars.size()) * bar_step + group_gap;
    }
    append(out_, "<path d=\"M%.1f %dV%d\" stroke=\"#222\" stroke-width=\"1.5\"/>\n", each.x_of(1),
           top + panel_head - 6, bottom);
}

void drawing::draw_axis(const panel& each, int top, int bottom)
{
    for (int power = each.lowest; power <= each.highest; ++power) {
        const double x = each.x_of(std::exp2(power));
        append(out_,
               "<path d=\"M%.1f %dV%d\" stroke=\"#cfd8dc\"/><text x=\"%.1f\" y=\"%d\" "
               "text-anchor=\"middle\" font-size=\"11\">%s%d</text>\n",
               x, top, bottom, x, top - 5, power < 0 ? "1/" : "", 1 << std::abs(power));
    }
}

void drawing::draw_group(const panel& in, const group& each, int top)
{
    const int height = static_cast<int>(each.bars.size()) * bar_step;
    append(out_, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.*s</text>\n", left - 12,
           top + height / 2 + 3, static_cast<int>(each.done->title.size()),
           each.done->title.data());
    for (std::size_t i = 0; i < each.bars.size(); ++i)
        draw_bar(in, each.bars[i], top + static_cast<int>(i) * bar_step);
    const double target = each.done->target_to_libzmq;
    if (target > 0 && compared_with_ == libzmq_name)
        append(out_,
               "<path d=\"M%.1f %dv%d\" stroke=\"%s\" stroke-width=\"2\" "
               "stroke-dasharray=\"3 2\"/>\n",
               in.x_of(target), top - 3, height + 4, target_colour.data());
    for (std::size_t i = 0; i < each.bars.size(); ++i)
        draw_figure(in, each.bars[i], top + static_cast<int>(i) * bar_step);
}

void drawing::draw_bar(const panel& in, const bar& each, int top)
{
    const double from = std::min(in.x_of(1), in.x_of(each.ratio.median));
    const double to = std::max(in.x_of(1), in.x_of(each.ratio.median));
    append(out_, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", from,
           top, std::max(to - from, 1.0), bar_height, colour_of(*each.by).data());
    append(out_, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"#222\"/>\n", in.x_of(each.ratio.lowest),
           top + bar_height / 2.0, in.x_of(each.ratio.highest));
}

void drawing::draw_figure(const panel& in, const bar& each, int top)
{
    const double x = std::max(in.x_of(1), in.x_of(each.ratio.highest)) + 5;
    append(out_,
           "<text x=\"%.1f\" y=\"%d\" font-size=\"11\" stroke=\"#fff\" stroke-width=\"3\" "
           "paint-order=\"stroke\">%.*f</text>\n",
           x, top + 11, each.ratio.median < 0.1 ? 3 : 2, each.ratio.median);
}

} // namespace

std::string to_svg(const std::vector<outcome>& all)
{
    return drawing(all).draw();
}

} // namespace bench
