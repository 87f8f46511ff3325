"""Addresses of the pages about members, below /members/, and of the page an invitation's link leads to."""

from django.urls import path

from tidegate.web.members import join, pages

urlpatterns = [
    path("members/", pages.members, name="members"),
    path("members/invite/", pages.invite, name="member-invite"),
    path("members/invitations/<uuid:invitation_id>/withdraw/", pages.withdraw, name="invitation-withdraw"),
    path("members/<int:member_id>/role/", pages.role, name="member-role"),
    path("members/<int:member_id>/remove/", pages.remove, name="member-remove"),
    path("join/<str:secret>/", join.join, name="join"),
]
