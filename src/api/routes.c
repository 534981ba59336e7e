/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/api.h"

#define V2 "/api/v2/"
#define CHUNK_MAX (64ull << 20) /* clients send 10 MiB */
#define UPLOAD_MAX (600ull << 20)

/* The places where Joe's clients look (contract, section 1). */
const struct http_alias api_aliases[] = {
    {"/joesandbox/index.php/api", "/api"},
    {"/index.php/api", "/api"},
    {"/joesandbox/api", "/api"},
    {NULL, NULL},
};

#define LAB(path, doc) {"POST", V2 "joelab/" path, joe_lab, HTTP_FORM | HTTP_FILES, UPLOAD_MAX, doc}

const struct http_route api_routes[] = {
    {"POST", V2 "submission/new", joe_submission_new, HTTP_FORM | HTTP_FILES, UPLOAD_MAX, "submit something"},
    {"POST", V2 "submission/chunked-sample", joe_submission_chunk, HTTP_FORM | HTTP_FILES, CHUNK_MAX,
     "one chunk of a large sample"},
    {"POST", V2 "submission/list", joe_submission_list, HTTP_FORM, 0, "submissions, newest first"},
    {"POST", V2 "submission/info", joe_submission_info, HTTP_FORM, 0, "one submission with its analyses"},
    {"POST", V2 "submission/delete", joe_submission_delete, HTTP_FORM, 0, "remove a submission and all of its data"},
    {"POST", V2 "analysis/submit", joe_analysis_submit, HTTP_FORM | HTTP_FILES, UPLOAD_MAX, "submit (older form)"},
    {"POST", V2 "analysis/list", joe_analysis_list, HTTP_FORM, 0, "analyses, newest first"},
    {"POST", V2 "analysis/info", joe_analysis_info, HTTP_FORM, 0, "one analysis"},
    {"POST", V2 "analysis/delete", joe_analysis_delete, HTTP_FORM, 0, "remove an analysis and its data"},
    {"POST", V2 "analysis/search", joe_analysis_search, HTTP_FORM, 0, "search analyses"},
    {"POST", V2 "analysis/download", joe_analysis_download, HTTP_FORM, 0, "a report or artefact of an analysis"},
    {"POST", V2 "server/online", joe_server_online, HTTP_FORM, 0, "whether analyses are taken"},
    {"POST", V2 "server/info", joe_server_info, HTTP_FORM, 0, "length of the queue"},
    {"POST", V2 "server/systems", joe_server_systems, HTTP_FORM, 0, "systems to choose from"},
    {"POST", V2 "server/lia_countries", joe_server_countries, HTTP_FORM, 0, "exit countries"},
    {"POST", V2 "server/languages_and_locales", joe_server_locales, HTTP_FORM, 0, "languages of the machines"},
    {"POST", V2 "server/keyboard_layouts", joe_server_keyboards, HTTP_FORM, 0, "keyboards of the machines"},
    {"POST", V2 "account/info", joe_account_info, HTTP_FORM, 0, "type and quota of the account"},
    {"POST", V2 "cookbook/list", joe_cookbook_list, HTTP_FORM, 0, "cookbooks"},
    {"POST", V2 "cookbook/info", joe_cookbook_info, HTTP_FORM, 0, "one cookbook"},
    LAB("machine/info", "state of a lab machine"),
    LAB("images/list", "images of a lab machine"),
    LAB("images/capture", "keep a lab machine's state"),
    LAB("images/reset", "restore a lab machine"),
    LAB("filesystem/upload-chunked", "a chunk of a file for a lab machine"),
    LAB("filesystem/upload", "a file for a lab machine"),
    LAB("filesystem/download", "a file of a lab machine"),
    LAB("network/info", "network of a lab machine"),
    LAB("network/update", "change the network of a lab machine"),
    LAB("pcap/start", "record a lab machine's traffic"),
    LAB("pcap/stop", "stop recording"),
    LAB("pcap/download", "the newest recording"),
    LAB("internet-exitpoints/list", "exit points of lab machines"),
    {NULL, NULL, NULL, 0, 0, NULL},
};
