//===- OutputFiles.cpp - files that exist only when whole ---------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/OutputFiles.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"

using namespace llvm;
using namespace sinter;

static Error cannotWrite(StringRef path, std::error_code code) {
  return createStringError(code, "cannot write '" + path + "': " + code.message());
}

OutputFiles::~OutputFiles() {
  for (const File &file : files) {
    sys::fs::remove(file.temporary);
    sys::DontRemoveFileOnSignal(file.temporary);
  }
}

Expected<std::string> OutputFiles::create(StringRef path) {
  if (any_of(files, [&](const File &file) { return file.path == path; }))
    return createStringError("two outputs would be written to '" + path + "'");
  sys::fs::file_status status;
  if (!sys::fs::status(path, status) && status.type() == sys::fs::file_type::directory_file)
    return cannotWrite(path, std::make_error_code(std::errc::is_a_directory));
  // A device would be replaced by a file.
  if (sys::fs::exists(status) && !sys::fs::is_regular_file(status))
    return createStringError("cannot write '" + path + "': it is no regular file");
  // Created by hand rather than by createUniqueFile, so that the file gets the usual permissions; a process never has
  // two of the same name.
  std::string temporary = (path + ".tmp" + Twine(sys::Process::getProcessId())).str();
  int fd;
  if (std::error_code code = sys::fs::openFileForWrite(temporary, fd))
    return cannotWrite(path, code);
  sys::Process::SafelyCloseFileDescriptor(fd);
  files.push_back({path.str(), temporary});
  sys::RemoveFileOnSignal(temporary);
  return temporary;
}

Error OutputFiles::commit() {
  while (!files.empty()) {
    File &file = files.front();
    if (std::error_code code = sys::fs::rename(file.temporary, file.path))
      return cannotWrite(file.path, code);
    sys::DontRemoveFileOnSignal(file.temporary);
    files.erase(files.begin());
  }
  return Error::success();
}
