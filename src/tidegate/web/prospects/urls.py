"""Addresses of the store's pages, below /prospects/."""

from django.urls import path

from tidegate.web.prospects import fields, imports, lists, one, table

urlpatterns = [
    path("", table.prospects, name="prospects"),
    path("prospects.csv", table.export, name="prospects-csv"),
    path("act/", table.act, name="prospects-act"),
    path("undo/", table.undo, name="prospects-undo"),
    path("new/", one.new_prospect, name="prospect-new"),
    path("<int:prospect_id>/", one.prospect, name="prospect"),
    path("<int:prospect_id>/edit/", one.edit_prospect, name="prospect-edit"),
    path("<int:prospect_id>/sync/", one.sync_prospect, name="prospect-sync"),
    path("<int:prospect_id>/lists/", one.move_prospect, name="prospect-move"),
    path("<int:prospect_id>/consent/", one.renew_consent, name="prospect-consent"),
    path("<int:prospect_id>/delete/", one.delete_prospect, name="prospect-delete"),
    path("lists/new/", lists.new_list, name="list-new"),
    path("lists/<int:list_id>/rename/", lists.rename_list, name="list-rename"),
    path("lists/<int:list_id>/delete/", lists.delete_list, name="list-delete"),
    path("fields/", fields.fields, name="prospect-fields"),
    path("fields/<slug:key>/", fields.change_field, name="prospect-field"),
    path("fields/<slug:key>/delete/", fields.delete_field, name="prospect-field-delete"),
    path("import/", imports.upload, name="prospects-import"),
    path("import/<uuid:import_id>/", imports.columns, name="prospect-import"),
    path("import/<uuid:import_id>/progress/", imports.progress, name="prospect-import-progress"),
    path("import/<uuid:import_id>/stop/", imports.stop, name="prospect-import-stop"),
    path("import/<uuid:import_id>/problems.csv", imports.problems, name="prospect-import-problems"),
]
