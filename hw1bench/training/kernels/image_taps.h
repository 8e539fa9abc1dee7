// The terms of a layer's sums in the image kernel, and at which positions they may be nonzero.
//
// At the edges of a map, rows and columns of the kernel lie on padding, or on deltas that pooling drops: the sums leave
// them out.

#pragma once

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

namespace {

// A term of a sum: the offset of its input from the position, and of its weight from the output's first weight.
struct Tap {
    int32_t at, weight;
};

// A range, of taps or of the rows or columns of a kernel.
struct Span {
    int32_t first, end;

    int size() const { return std::max(end - first, 0); }
    bool operator==(Span other) const { return first == other.first && end == other.end; }
};

// A position: the offsets of its inputs and of its sum, and its taps.
struct Place {
    int32_t from, to;
    Span taps;
};

// The rows of a kernel that meet the map, for each row of positions; or the columns, for each column of positions.
struct Reach {
    std::vector<int32_t> kind;  // (positions,): index in `kinds`
    std::vector<Span> kinds;    // the different ranges
    int total = 0;              // rows in all kinds

    // `meets(position)`: the range at a position.
    template <class F> Reach(int positions, F meets) {
        for (int i = 0; i < positions; ++i) {
            const Span here = meets(i);
            const auto found = std::find(kinds.begin(), kinds.end(), here);
            kind.push_back(int32_t(found - kinds.begin()));
            if (found != kinds.end()) continue;
            kinds.push_back(here);
            total += here.size();
        }
    }
};

// The taps of every pair of a range of rows and a range of columns.
class TapLists {
    std::vector<Span> spans;
    const Reach &rows, &columns;

  public:
    // `add(rows, columns, to)` writes the taps of a pair of ranges and returns the end of what it wrote.
    template <class F>
    TapLists(const Reach& rows, const Reach& columns, Tap* taps, F add) : rows(rows), columns(columns) {
        Tap* next = taps;
        for (const Span y : rows.kinds)
            for (const Span x : columns.kinds) {
                Tap* const first = next;
                next = add(y, x, next);
                spans.push_back({int32_t(first - taps), int32_t(next - taps)});
            }
    }

    Span at(int y, int x) const { return spans[rows.kind[y] * columns.kinds.size() + columns.kind[x]]; }
};

// Orders places by their taps, so that those with the same taps follow one another in the order of their sums.
inline void sort_by_taps(Place* first, Place* end) {
    const auto before = [](const Place& a, const Place& b) {
        return std::tie(a.taps.first, a.taps.end, a.to) < std::tie(b.taps.first, b.taps.end, b.to);
    };
    if (!std::is_sorted(first, end, before)) std::sort(first, end, before);
}

}  // namespace
