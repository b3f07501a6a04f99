// What bench/jsonl.c measures, with simdjson's document streams (the tree, which checks all there
// is): every line of the file, one member of it looked up.
//
//     g++ -O3 -march=native bench/simdjson.cpp -lsimdjson -o simdjson && ./simdjson FILE MEMBER
#include <chrono>
#include <cstdio>
#include <simdjson.h>

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    const size_t most = 64 << 20;
    auto text = simdjson::padded_string::load(argv[1]);
    if (text.error())
        return 1;
    size_t bytes = text.value().size() < most ? text.value().size() : most, rows = 0, found = 0;
    while (bytes && text.value().data()[bytes - 1] != '\n')
        bytes--;
    simdjson::dom::parser parser;
    auto start = std::chrono::steady_clock::now();
    simdjson::dom::document_stream stream;
    if (parser.parse_many(text.value().data(), bytes, 1 << 20).get(stream))
        return 1;
    for (auto record : stream) {
        simdjson::dom::element member;
        found += record.at_key(argv[2]).get(member) == simdjson::SUCCESS;
        rows++;
    }
    double us = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
                    .count();
    printf("simdjson, %s: %.0f MB/s %.1f M records/s (%zu found)\n",
           simdjson::get_active_implementation()->name().c_str(), (double)bytes / us,
           (double)rows / us, found);
    return 0;
}
