from django.urls import include, path

urlpatterns = [path("api/v1/", include("tidegate.api.urls"))]
