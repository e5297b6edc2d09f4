//===- Linker.cpp - LLD in this process -----------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Link/Linker.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

using namespace llvm;
using namespace sinter;

static Error systemError(const Twine &what) {
  std::error_code code(errno, std::generic_category());
  return createStringError(code, what + ": " + code.message());
}

MemoryFiles::~MemoryFiles() {
  for (const File &file : files)
    close(file.descriptor);
}

Expected<std::string> MemoryFiles::add(StringRef name, StringRef bytes) {
  int descriptor = memfd_create(name.str().substr(0, 200).c_str(), MFD_CLOEXEC);
  if (descriptor < 0)
    return systemError("cannot make a file in memory to link with");
  files.push_back({descriptor, "/proc/self/fd/" + utostr(descriptor), name.str()});
  for (StringRef rest = bytes; !rest.empty();) {
    ssize_t written = write(descriptor, rest.data(), rest.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return systemError("no memory to link with");
    rest = rest.drop_front(written);
  }
  return files.back().path;
}

std::string MemoryFiles::rename(StringRef text) const {
  std::string result;
  while (!text.empty()) {
    size_t at = text.find("/proc/self/fd/");
    result += text.take_front(at);
    if (at == StringRef::npos)
      break;
    text = text.drop_front(at);
    StringRef path =
        text.take_front(text.find_if_not([](char c) { return isDigit(c); }, StringRef("/proc/self/fd/").size()));
    text = text.drop_front(path.size());
    auto *file = find_if(files, [&](const File &f) { return f.path == path; });
    result += file == files.end() ? path.str() : file->name;
  }
  return result;
}

/// LLD's report as one sentence: each message without LLD's name, with the first place that it refers to.
static std::string summarize(StringRef report) {
  SmallVector<StringRef> lines;
  report.split(lines, '\n', -1, /*KeepEmpty=*/false);
  std::string text;
  bool placed = false;
  for (StringRef line : lines) {
    bool detail = line.consume_front(">>> ");
    if (detail && (placed || line.starts_with(" ")))
      continue;
    placed = detail;
    if (!line.consume_front("ld.lld: error: "))
      line.consume_front("ld.lld: warning: ");
    text += text.empty() ? "" : detail ? ", " : "; ";
    text += line;
  }
  return text;
}

Error sinter::runLinker(ArrayRef<std::string> arguments, const MemoryFiles &files) {
  static std::mutex mutex;
  static bool broken = false; // guarded by the mutex
  std::lock_guard<std::mutex> lock(mutex);
  if (broken)
    return createStringError("the linker failed before in a way that leaves it unusable");
  SmallVector<const char *> argv = {"ld.lld"};
  for (const std::string &argument : arguments)
    argv.push_back(argument.c_str());
  std::string out, err;
  raw_string_ostream outStream(out), errStream(err);
  lld::Result result = lld::lldMain(argv, outStream, errStream, {{lld::Gnu, &lld::elf::link}});
  broken = !result.canRunAgain;
  if (result.retCode != 0)
    return createStringError("linking failed: " + summarize(files.rename(err)));
  return Error::success();
}

Expected<std::string> sinter::runLinkerInMemory(ArrayRef<std::string> arguments, const MemoryFiles &files) {
  // LLD renames its outputs into place where they are files, but into a pipe it writes.
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return systemError("cannot make a pipe to link with");
  std::string output;
  std::thread reader([&] {
    char buffer[4096];
    for (;;) {
      ssize_t got = read(ends[0], buffer, sizeof buffer);
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        return;
      output.append(buffer, got);
    }
  });
  std::vector<std::string> all(arguments.begin(), arguments.end());
  all.insert(all.end(), {"-o", "/proc/self/fd/" + utostr(ends[1])});
  Error error = runLinker(all, files);
  close(ends[1]);
  reader.join();
  close(ends[0]);
  if (error)
    return std::move(error);
  return output;
}
